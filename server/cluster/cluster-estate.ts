import type { Row } from "../database/database.ts";
import { readEstate } from "../estate/read-estate.ts";
import type { ClusterEstate } from "./keep-baseline.ts";

type QuotaRow = Row & Readonly<{ business: string; cpu_milli: number; memory_mib: number }>;

/** What the estate says of clusters: whose they are, and what each business may use in one: its limits in the pools that have hosts there. */
export const clusterEstate: ClusterEstate = {
  scopeOf: async (query, cluster) => (await readEstate(query, "Cluster", cluster))?.scope ?? null,
  needsTicket: async (query, environment) => {
    const spec = (await readEstate(query, "Environment", environment))?.record.spec;
    return spec !== undefined && "ticketRequired" in spec && spec.ticketRequired;
  },
  quotasOf: async (query, cluster) => {
    const rows = await query<QuotaRow>(
      `SELECT q.business, sum(q.limit_cpu_milli)::bigint AS cpu_milli, sum(q.limit_memory_mib)::bigint AS memory_mib
       FROM pool_quotas q WHERE q.pool IN (SELECT pool FROM hosts WHERE cluster = $1)
       GROUP BY q.business ORDER BY q.business`,
      [cluster],
    );
    return rows.map(({ business, cpu_milli, memory_mib }) => ({
      business,
      cpuMilli: cpu_milli,
      memoryMiB: memory_mib,
    }));
  },
};
