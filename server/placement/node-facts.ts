import { quantityOf } from "@wcs/core/cluster";
import type { ClusterLink } from "../cluster/cluster-link.ts";
import type { ClusterLinks } from "../cluster/cluster-links.ts";
import type { NodeFacts, PlacementFacts } from "./placement-estate.ts";

/** Nodes, as `cluster/node`, and whole clusters, of which something else may be true. */
export type ClusterNews = Readonly<{ nodes: ReadonlySet<string>; clusters: ReadonlySet<string> }>;

/** What the clusters say of their nodes, and which of it may have changed. */
export type ClusterFacts = Pick<PlacementFacts, "isHeardOf" | "nodeOf"> &
  Readonly<{
    /** What may have changed since the last call. */
    news: () => ClusterNews;
    stop: () => void;
  }>;

/** Reads this server's links. A cluster counts as heard of while it answers and both of its caches (nodes, and what others request) are whole and fresh. */
export function clusterFacts(links: ClusterLinks): ClusterFacts {
  const dirty = new Set<string>();
  const known = new Map<string, Readonly<{ link: ClusterLink; isSynced: boolean }>>();
  const stop = links.listen({
    onNode: (cluster, { key }) => dirty.add(`${cluster}/${key}`),
    onOthers: (cluster, node) => dirty.add(`${cluster}/${node}`),
  });
  return {
    isHeardOf: (cluster) => {
      const link = links.get(cluster);
      if (link?.health().reachable !== true) return false;
      return !link.nodes.status().stale && !link.others.status().stale;
    },
    nodeOf: (cluster, node) => {
      const link = links.get(cluster);
      return link === undefined || !isSynced(link) ? undefined : nodeFacts(link, node);
    },
    news: () => {
      const nodes = new Set(dirty);
      dirty.clear();
      const clusters = new Set(known.keys());
      for (const link of links.all()) {
        const before = known.get(link.name);
        if (before?.link === link && before.isSynced === isSynced(link)) clusters.delete(link.name);
        else clusters.add(link.name);
      }
      known.clear();
      for (const link of links.all()) known.set(link.name, { link, isSynced: isSynced(link) });
      return { nodes, clusters };
    },
    stop,
  };
}

function isSynced({ nodes, others }: ClusterLink): boolean {
  return nodes.status().synced && others.status().synced;
}

function nodeFacts({ nodes, others }: ClusterLink, name: string): NodeFacts | null {
  const node = nodes.get(name);
  if (node === undefined) return null;
  const { pods, ...room } = others.on(name);
  const give = (resource: string, unit: number) => Math.floor(quantityOf(node.allocatable[resource], unit));
  return {
    cpuMilli: give("cpu", 1e-3),
    memoryMiB: give("memory", 2 ** 20),
    pods: give("pods", 1),
    ready: node.ready && node.schedulable,
    others: { ...room, ioMiBps: 0, instances: pods },
  };
}
