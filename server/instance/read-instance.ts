import type { KubeClient } from "@wcs/kube";
import type { WroteInstance } from "./bring-instance.ts";
import { readLiveInstance, type InstancePlace, type LiveInstance } from "./live-instance.ts";
import type { ClusterConnections } from "./neighbours.ts";

/**
 * Reads instances from what the clusters' watches have told, and asks the API server only where a watch cannot know: when it is not current,
 * after somebody else's write was in the way, and now and then while a pod is missing (one whose label was taken off is not in the watch).
 */
export type InstanceReader = Readonly<{
  /** Null when the watch has not told of this server's own last write yet: it will in a moment. Throws KubeError. */
  read: (client: KubeClient, at: ReadPlace, signal: AbortSignal) => Promise<LiveInstance | null>;
  /** What was just written to an instance's objects. */
  wrote: (instance: string, what: WroteInstance) => void;
  /** The next look asks the API server. */
  distrust: (instance: string) => void;
  /** When to ask the API server for a missing pod, in milliseconds from now; null when none is missing. */
  missingPodDueMs: (instance: string) => number | null;
}>;

type ReadPlace = InstancePlace & Readonly<{ cluster: string; isMeantToRun: boolean }>;
type Written = Readonly<{ statefulSet: bigint; pod: bigint; deletedPod: string | null; untilMs: number }>;
type Missing = Readonly<{ askAtMs: number; waitMs: number }>;

/** A watch tells of a write within milliseconds; after this the API server is asked. */
const patienceMs = 3_000;
const missingPod = { firstMs: 2_000, longestMs: 30_000 };

/** `nowMs` is any monotonic clock. */
export function createInstanceReader(
  clusters: Pick<ClusterConnections, "seen">,
  nowMs: () => number = () => performance.now(),
): InstanceReader {
  const written = new Map<string, Written>();
  const missing = new Map<string, Missing>();
  const distrusted = new Set<string>();

  const ask = async (client: KubeClient, at: ReadPlace, signal: AbortSignal): Promise<LiveInstance> => {
    const live = await readLiveInstance(client, at, signal);
    distrusted.delete(at.instance);
    written.delete(at.instance);
    return live;
  };

  return {
    read: async (client, at, signal) => {
      const { instance } = at;
      const seen = distrusted.has(instance) ? null : clusters.seen(at.cluster, at);
      if (seen === null) return ask(client, at, signal);
      const { live } = seen;
      const own = written.get(instance);
      if (own !== undefined) {
        const isTold =
          version(seen.statefulSetsAt) >= own.statefulSet &&
          version(seen.podsAt) >= own.pod &&
          (own.deletedPod === null || live.pod?.uid !== own.deletedPod || live.pod.deleting);
        if (!isTold) return nowMs() < own.untilMs ? null : ask(client, at, signal);
        written.delete(instance);
      }
      if (live.pod !== null || live.statefulSet === null || !at.isMeantToRun) {
        missing.delete(instance);
        return live;
      }
      const due = missing.get(instance);
      if (due === undefined || nowMs() < due.askAtMs) {
        missing.set(instance, due ?? { askAtMs: nowMs() + missingPod.firstMs, waitMs: missingPod.firstMs });
        return live;
      }
      const waitMs = Math.min(missingPod.longestMs, due.waitMs * 2);
      missing.set(instance, { askAtMs: nowMs() + waitMs, waitMs });
      return ask(client, at, signal);
    },
    wrote: (instance, { statefulSet, pod, deletedPod }) => {
      const before = written.get(instance);
      written.set(instance, {
        statefulSet: statefulSet === undefined ? (before?.statefulSet ?? 0n) : version(statefulSet),
        pod: pod === undefined ? (before?.pod ?? 0n) : version(pod),
        deletedPod: deletedPod ?? before?.deletedPod ?? null,
        untilMs: nowMs() + patienceMs,
      });
    },
    distrust: (instance) => void distrusted.add(instance),
    missingPodDueMs: (instance) => {
      const due = missing.get(instance);
      return due === undefined ? null : Math.max(0, due.askAtMs - nowMs());
    },
  };
}

/** Resource versions can be compared since Kubernetes 1.35, and could in fact before (KEP-5504). */
function version(text: string): bigint {
  return /^[0-9]{1,20}$/.test(text) ? BigInt(text) : 0n;
}
