import { namespaceOf } from "@wcs/core/cluster";
import { hostHealth } from "@wcs/core/instance";
import { once } from "node:events";
import type { ClusterLinks } from "../cluster/cluster-links.ts";
import type { ClusterConnections } from "./neighbours.ts";

/** The clusters as the main job reaches them, through this server's links. */
export function clusterConnections(links: ClusterLinks): ClusterConnections {
  const answersSinceMs = (cluster: string): number | null => {
    const health = links.get(cluster)?.health();
    return health?.reachable === true ? (health.since?.getTime() ?? null) : null;
  };
  return {
    clientOf: async (cluster) => (answersSinceMs(cluster) === null ? null : (links.get(cluster)?.client ?? null)),
    answersSinceMs,
    hostHealth: (cluster, node) => {
      const cache = links.get(cluster)?.nodes;
      const answers = answersSinceMs(cluster) !== null && cache?.status().synced === true;
      return hostHealth({ clusterAnswers: answers, node: cache?.get(node) ?? null });
    },
    follow: async ({ onPod, onHost }, signal) => {
      const stops = [
        links.onPod(({ key }) => {
          const [namespace = "", name = ""] = key.split("/");
          onPod(namespace, name);
        }),
        links.onNode((cluster, { key, before, after }) => {
          if (before?.ready !== after?.ready || before?.silent !== after?.silent) onHost(cluster, key);
        }),
      ];
      if (!signal.aborted) await once(signal, "abort");
      for (const stop of stops) stop();
    },
    namespaceOf: (business) => {
      const namespace = namespaceOf(business);
      if (namespace === null) throw new Error(`business ${business} has too long a name for a namespace`);
      return namespace;
    },
  };
}
