import { namespaceOf } from "@wcs/core/cluster";
import { hostHealth, podName } from "@wcs/core/instance";
import type { PodObject, StatefulSetObject } from "@wcs/kube";
import { once } from "node:events";
import type { ClusterLinks } from "../cluster/cluster-links.ts";
import { livePod, liveStatefulSet } from "./live-instance.ts";
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
    seen: (cluster, { namespace, instance }) => {
      const link = links.get(cluster);
      if (link === undefined) return null;
      const [ofStatefulSets, ofPods] = [link.statefulSets.status(), link.pods.status()];
      const isCurrent = [ofStatefulSets, ofPods].every(({ phase, stale }) => phase === "watching" && !stale);
      if (!isCurrent) return null;
      const statefulSet = link.statefulSets.get(`${namespace}/${instance}`);
      const pod = link.pods.get(`${namespace}/${podName(instance)}`);
      return {
        live: {
          statefulSet:
            statefulSet === undefined ? null : liveStatefulSet(JSON.parse(statefulSet.text) as StatefulSetObject),
          pod: pod === undefined ? null : livePod(JSON.parse(pod.text) as PodObject),
        },
        statefulSetsAt: ofStatefulSets.resourceVersion,
        podsAt: ofPods.resourceVersion,
      };
    },
    isNamespaceGone: (cluster, namespace) => {
      const cache = links.get(cluster)?.namespaces;
      if (cache === undefined || cache.status().stale) return false;
      return cache.get(namespace)?.deleting ?? true;
    },
    hostHealth: (cluster, node) => {
      const cache = links.get(cluster)?.nodes;
      const sinceMs = cache?.status().synced === true ? answersSinceMs(cluster) : null;
      const clusterAnswersForMs = sinceMs === null ? null : Date.now() - sinceMs;
      return hostHealth({ clusterAnswersForMs, node: cache?.get(node) ?? null });
    },
    follow: async ({ onPod, onStatefulSet, onHost, onCluster }, signal) => {
      const stop = links.listen({
        onPod: (_, { key }) => {
          const [namespace = "", name = ""] = key.split("/");
          onPod(namespace, name);
        },
        onStatefulSet: (_, { key }) => {
          const [namespace = "", name = ""] = key.split("/");
          onStatefulSet(namespace, name);
        },
        onNode: (cluster, { key, before, after }) => {
          if (before?.ready !== after?.ready || before?.silent !== after?.silent) onHost(cluster, key);
        },
        onNamespace: (cluster, { key, before, after }) => {
          if ((before?.deleting ?? true) !== (after?.deleting ?? true)) onCluster(cluster, key);
        },
        onReached: (cluster) => onCluster(cluster, null),
      });
      if (!signal.aborted) await once(signal, "abort");
      stop();
    },
    namespaceOf: (business) => {
      const namespace = namespaceOf(business);
      if (namespace === null) throw new Error(`business ${business} has too long a name for a namespace`);
      return namespace;
    },
  };
}
