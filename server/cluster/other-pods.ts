import { podRoom, type PodRoom } from "@wcs/core/cluster";
import { pods, startWatchCache, type KubeClient, type WatchCache } from "@wcs/kube";

/** What pods that are not WCS's instances request of a node. */
export type OtherRoom = Readonly<{ cpuMilli: number; memoryMiB: number; diskGiB: number; pods: number }>;

/** Follows what others (system pods, DaemonSets, tenants of old) request of a cluster's nodes. */
export type OtherPods = Readonly<{
  on: (node: string) => OtherRoom;
  status: WatchCache<PodRoom>["status"];
  close: () => Promise<void>;
}>;

const none: OtherRoom = { cpuMilli: 0, memoryMiB: 0, diskGiB: 0, pods: 0 };

/**
 * Follows all pods that are bound and not over, without WCS's own, and keeps four numbers of each and their sum for each node. The API server
 * sends neither instances nor what is over; of the rest only what changes the numbers is told.
 */
export function followOtherPods(
  client: KubeClient,
  { ownLabel, onChange }: Readonly<{ ownLabel: string; onChange: ((node: string) => void) | undefined }>,
): OtherPods {
  const sums = new Map<string, OtherRoom>();
  const add = (room: PodRoom | undefined, sign: 1 | -1): void => {
    if (room === undefined) return;
    const { node } = room;
    const before = sums.get(node) ?? none;
    const after = {
      cpuMilli: before.cpuMilli + sign * room.cpuMilli,
      memoryMiB: before.memoryMiB + sign * room.memoryMiB,
      diskGiB: before.diskGiB + sign * room.diskGiB,
      pods: before.pods + sign,
    };
    if (after.pods === 0) sums.delete(node);
    else sums.set(node, after);
    onChange?.(node);
  };
  const cache = startWatchCache({
    client,
    resource: pods,
    labelSelector: `!${ownLabel}`,
    fieldSelector: "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed",
    project: podRoom,
    onChange: ({ before, after }) => {
      add(before, -1);
      add(after, 1);
    },
  });
  return { on: (node) => sums.get(node) ?? none, status: cache.status, close: cache.close };
}
