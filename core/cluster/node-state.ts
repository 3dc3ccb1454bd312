import { ownMembers } from "./pod-state.ts";

/** What WCS keeps of a Node. */
export type NodeState = Readonly<{
  name: string;
  ready: boolean;
  /** Why it is not ready, as kubelet or the node controller says. */
  reason: string | null;
  /** The node controller hears nothing of its kubelet. */
  silent: boolean;
  /** Since when `ready` is what it is; null when it was never told. */
  since: string | null;
  schedulable: boolean;
  pressures: readonly string[];
  allocatable: Readonly<Record<string, string>>;
  kubeletVersion: string;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
}>;

type Condition = Readonly<{
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}>;
type RawNode = Readonly<{
  metadata: Readonly<{ name: string; labels?: Record<string, string>; annotations?: Record<string, string> }>;
  spec?: Readonly<{ unschedulable?: boolean }>;
  status?: Readonly<{
    conditions?: readonly Condition[];
    allocatable?: Record<string, string>;
    nodeInfo?: Readonly<{ kubeletVersion: string }>;
  }>;
}>;

const pressures: ReadonlySet<string> = new Set(["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"]);
/** Reads a Node of the API. Heartbeats change nothing in it. */
export function nodeState(node: RawNode): NodeState {
  const conditions = node.status?.conditions ?? [];
  const ready = conditions.find((condition) => condition.type === "Ready");
  return {
    name: node.metadata.name,
    ready: ready?.status === "True",
    silent: ready?.status === "Unknown",
    reason: ready?.status === "True" ? null : (ready?.message ?? "the node has not told yet"),
    since: ready?.lastTransitionTime ?? null,
    schedulable: node.spec?.unschedulable !== true,
    pressures: conditions
      .filter((condition) => pressures.has(condition.type) && condition.status === "True")
      .map((condition) => condition.type),
    allocatable: node.status?.allocatable ?? {},
    kubeletVersion: node.status?.nodeInfo?.kubeletVersion ?? "",
    labels: ownMembers(node.metadata.labels),
    annotations: ownMembers(node.metadata.annotations),
  };
}
