/** What WCS keeps of a Pod of its own. */
export type PodState = Readonly<{
  uid: string;
  namespace: string;
  name: string;
  node: string | null;
  phase: string;
  ready: boolean;
  restarts: number;
  /** Why a container waits or ended, or why the pod failed. */
  reason: string | null;
  address: string | null;
  startedAt: string | null;
  deleting: boolean;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
}>;

type RawPod = Readonly<{
  metadata: Readonly<{
    name: string;
    namespace?: string;
    uid?: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  }>;
  spec?: Readonly<{ nodeName?: string }>;
  status?: Readonly<{
    phase?: string;
    reason?: string;
    podIP?: string;
    startTime?: string;
    conditions?: readonly Readonly<{ type: string; status: string }>[];
    containerStatuses?: readonly Readonly<{
      restartCount: number;
      state?: Readonly<Record<string, Readonly<{ reason?: string }>>>;
    }>[];
  }>;
}>;

/** Labels and annotations of WCS; the others are not used. */
export function ownMembers(members: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(members).filter(([key]) => key.startsWith("wcs.io/")));
}

/** Reads a Pod of the API. */
export function podState(pod: RawPod): PodState {
  const { metadata, status = {} } = pod;
  const containers = status.containerStatuses ?? [];
  const reasons = containers
    .flatMap(({ state = {} }) => [state["waiting"]?.reason, state["terminated"]?.reason])
    .filter((reason) => reason !== undefined);
  return {
    uid: metadata.uid ?? "",
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    node: pod.spec?.nodeName ?? null,
    phase: status.phase ?? "Pending",
    ready: status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false,
    restarts: containers.reduce((sum, { restartCount }) => sum + restartCount, 0),
    reason: status.reason ?? reasons[0] ?? null,
    address: status.podIP ?? null,
    startedAt: status.startTime ?? null,
    deleting: metadata.deletionTimestamp !== undefined,
    labels: ownMembers(metadata.labels),
    annotations: ownMembers(metadata.annotations),
  };
}
