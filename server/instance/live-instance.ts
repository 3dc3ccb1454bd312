import { containerName, podName, type LivePod, type LiveStatefulSet } from "@wcs/core/instance";
import { pods, statefulSets, type KubeClient, type PodObject, type StatefulSetObject } from "@wcs/kube";

/** What a cluster has of an instance. */
export type LiveInstance = Readonly<{ statefulSet: LiveStatefulSet | null; pod: LivePod | null }>;

export type InstancePlace = Readonly<{ namespace: string; instance: string }>;

/** Reads an instance's StatefulSet and pod. Throws KubeError. */
export async function readLiveInstance(
  client: KubeClient,
  { namespace, instance }: InstancePlace,
  signal?: AbortSignal,
): Promise<LiveInstance> {
  const [statefulSet, pod] = await Promise.all([
    client.find(statefulSets, { namespace, name: instance, signal }),
    client.find(pods, { namespace, name: podName(instance), signal }),
  ]);
  return { statefulSet: statefulSet && liveStatefulSet(statefulSet), pod: pod && livePod(pod) };
}

/** The parts of a StatefulSet by which WCS judges its instance. */
export function liveStatefulSet(object: StatefulSetObject): LiveStatefulSet {
  const { uid = "", labels = {}, annotations = {} } = object.metadata;
  return { uid, labels, annotations, spec: object.spec ?? {} };
}

/** The parts of a pod by which WCS judges its instance. */
export function livePod(pod: PodObject): LivePod {
  const { uid = "", resourceVersion = "", labels = {}, annotations = {}, deletionTimestamp } = pod.metadata;
  const condition = (type: string) => pod.status?.conditions?.find((candidate) => candidate.type === type);
  const ready = condition("Ready");
  const scheduled = condition("PodScheduled");
  // kubelet keeps it there while it will not, or can not yet, do it (KEP-1287).
  const resizing = condition("PodResizePending");
  const container = pod.status?.containerStatuses?.find(({ name }) => name === containerName);
  const waiting = container?.state?.["waiting"];
  const ended = container?.lastState?.["terminated"] ?? container?.state?.["terminated"];
  const isReady = ready?.status === "True";
  const refused = pod.status?.phase === "Failed" && container === undefined;
  return {
    uid,
    resourceVersion,
    hostName: pod.spec?.nodeName ?? null,
    labels,
    annotations,
    spec: pod.spec ?? {},
    deleting: deletionTimestamp !== undefined,
    scheduled: scheduled?.status === "True" || pod.spec?.nodeName !== undefined,
    unscheduledMessage: scheduled?.status === "False" ? (scheduled.message ?? null) : null,
    refused,
    running: container?.state?.["running"] !== undefined,
    ready: isReady,
    containerId: container?.containerID ?? null,
    readySinceMs: isReady ? latest(ready.lastTransitionTime, container?.state?.["running"]?.startedAt) : null,
    everReady: isReady || (ready?.lastTransitionTime !== undefined && (container?.restartCount ?? 0) > 0),
    restarts: container?.restartCount ?? 0,
    runningDigest: container?.imageID?.match(/sha256:[0-9a-f]{64}$/)?.[0] ?? null,
    waitingReason: refused ? (pod.status?.reason ?? "Refused") : (waiting?.reason ?? null),
    waitingMessage: refused ? (pod.status?.message ?? null) : (waiting?.message ?? null),
    resizeProblem: resizing?.status === "True" ? `${resizing.reason ?? ""}: ${resizing.message ?? ""}` : null,
    lastExit: ended === undefined ? null : { code: ended.exitCode ?? 0, reason: ended.reason ?? "Unknown" },
  };
}

/** A container that restarts fast may leave the Ready condition's time as it was. */
function latest(...texts: readonly (string | undefined)[]): number | null {
  const times = texts.map(timeMs).filter((time) => time !== null);
  return times.length === 0 ? null : Math.max(...times);
}

function timeMs(text: string | undefined): number | null {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}
