import { Gauge } from "prom-client";
import type { Query } from "../database/database.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { subnetUsage } from "./ip-queries.ts";

const states = ["free", "reserved", "bound", "held", "cooling", "unusable"] as const;
/** Counting is a scan; scrapes that follow each other share one. */
const countedForMs = 10_000;

/** Free and other addresses per rack and area, blocks, and differences, counted when they are scraped. */
export function registerIpamMetrics({ registry }: Metrics, query: Query): void {
  let counted: Readonly<{ atMs: number; usage: ReturnType<typeof subnetUsage> }> | null = null;
  const usage = (): ReturnType<typeof subnetUsage> => {
    if (counted === null || performance.now() - counted.atMs > countedForMs) {
      counted = { atMs: performance.now(), usage: subnetUsage(query) };
    }
    return counted.usage;
  };
  registry.registerMetric(
    new Gauge({
      name: "wcs_ipam_addresses",
      help: "Addresses of the fixed ranges by state; `free` can be given out, `unusable` is nobody's and blocked or in conflict",
      labelNames: ["rack", "area", "subnet", "state"],
      registers: [],
      async collect() {
        this.reset();
        for (const row of await usage()) {
          const { rack, area, subnet } = row;
          for (const state of states) this.set({ rack, area, subnet, state }, row[state]);
        }
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: "wcs_ipam_dynamic_addresses",
      help: "Addresses of the dynamic ranges: in hosts' blocks, or free",
      labelNames: ["rack", "area", "subnet", "state"],
      registers: [],
      async collect() {
        this.reset();
        for (const { rack, area, subnet, dynamic, granted } of await usage()) {
          this.set({ rack, area, subnet, state: "granted" }, granted);
          this.set({ rack, area, subnet, state: "free" }, dynamic - granted);
        }
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: "wcs_ipam_differences",
      help: "Differences between ledger, Kubernetes, hosts and estate at the last comparison, and leaks, by kind",
      labelNames: ["kind"],
      registers: [],
      async collect() {
        this.reset();
        for (const { kind, count } of await query<{ kind: string; count: number }>(
          "SELECT kind, count(*) AS count FROM ipam_differences GROUP BY kind",
        )) {
          this.set({ kind }, count);
        }
      },
    }),
  );
}
