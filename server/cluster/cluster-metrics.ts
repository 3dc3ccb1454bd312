import { Counter, Gauge } from "prom-client";
import type { Metrics } from "../metrics/metrics.ts";
import type { ClusterLink } from "./cluster-link.ts";
import type { ClusterLinks } from "./cluster-links.ts";

const caches = ["nodes", "pods", "statefulSets", "namespaces"] as const;

/** Adds what this server sees of the clusters to its metrics. */
export function registerClusterMetrics({ registry }: Metrics, links: ClusterLinks): void {
  const add = (
    name: string,
    help: string,
    labels: readonly string[],
    read: (gauge: Gauge, link: ClusterLink) => void,
  ): void => {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames: ["cluster", ...labels],
      registers: [registry],
      collect: () => {
        gauge.reset();
        for (const link of links.all()) read(gauge, link);
      },
    });
  };
  add("wcs_cluster_reachable", "1 when the cluster answers, 0 when not", [], (gauge, link) => {
    const { reachable } = link.health();
    if (reachable !== null) gauge.set({ cluster: link.name }, reachable ? 1 : 0);
  });
  add(
    "wcs_cluster_cache_lag_seconds",
    "Since the cluster last proved that a cache is current",
    ["cache"],
    (gauge, link) => {
      for (const cache of caches) {
        gauge.set({ cluster: link.name, cache }, link[cache].status().lagMs / 1000);
      }
    },
  );
  add("wcs_cluster_cache_objects", "Objects in a cache", ["cache"], (gauge, link) => {
    for (const cache of caches) gauge.set({ cluster: link.name, cache }, link[cache].size());
  });
  const calls: Counter = new Counter({
    name: "wcs_cluster_calls_total",
    help: "Calls of this server to the cluster's API server, health checks apart; `throttled`: those it asked to come later",
    labelNames: ["cluster", "outcome"],
    registers: [registry],
    collect: () => {
      calls.reset();
      for (const { name: cluster, client } of links.all()) {
        const { calls: all, retries, throttled } = client.statistics();
        calls.inc({ cluster, outcome: "sent" }, all);
        calls.inc({ cluster, outcome: "retried" }, retries);
        calls.inc({ cluster, outcome: "throttled" }, throttled);
      }
    },
  });
  add("wcs_cluster_calls_waiting", "Calls that wait for the rate limit of the cluster", [], (gauge, link) =>
    gauge.set({ cluster: link.name }, link.client.statistics().waiting),
  );
  add("wcs_cluster_nodes_not_ready", "Nodes that are not ready", [], (gauge, link) => {
    const notReady = [...link.nodes.entries()].filter(([, { ready }]) => !ready);
    gauge.set({ cluster: link.name }, notReady.length);
  });
}
