import type { Neighbours } from "../instance/neighbours.ts";
import type { Platform } from "../program/platform.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import { allFences, fenceOf, forgetFence, writeFence } from "./host-fences.ts";

const ignore = (): void => undefined;
const lookAgain = { awayMs: 2_000, keptMs: 30_000 };

/** Keeps the fence on every Node that should have one: whoever takes it off, or makes the Node anew, it is put back. */
export function createFenceReconciler({
  platform,
  neighbours,
}: Readonly<{ platform: Platform; neighbours: Neighbours }>): Reconciler {
  const { query } = platform.database;
  return {
    name: "host-fences",
    keys: async () => (await allFences(query)).map(({ cluster, node }) => `${cluster}/${node}`),
    keysOf: () => [],
    follow: (add, signal) =>
      neighbours.clusters.follow(
        {
          onPod: ignore,
          onStatefulSet: ignore,
          onCluster: ignore,
          onHost: (cluster, node) => add([`${cluster}/${node}`]),
        },
        signal,
      ),
    reconcile: async (key, signal): Promise<void | Readonly<{ againAfterMs: number }>> => {
      const at = key.indexOf("/");
      const place = { cluster: key.slice(0, at), node: key.slice(at + 1) };
      const fence = await fenceOf(query, place);
      if (fence === null) return;
      const client = await neighbours.clusters.clientOf(place.cluster);
      if (client === null) return { againAfterMs: lookAgain.awayMs };
      await writeFence(client, fence, signal);
      if (fence.lifting) await forgetFence(query, place);
      return { againAfterMs: lookAgain.keptMs };
    },
    resyncMs: 10_000,
    workers: 4,
  };
}
