import { findDocument } from "../model/estate-index.ts";
import { machineRules } from "./machine-rules.ts";
import type { KindRules } from "./rule-context.ts";

/** A host stands in its cluster's IDC, and its pool is of its cluster's environment. */
export const hostRules: KindRules<"Host"> = (context, host) => {
  machineRules(context, host);
  const { index, report } = context;
  const { rack, cluster, pool } = host.spec;
  const place = (field: string) => ({ document: host, path: ["spec", field] });
  if (cluster === undefined) {
    if (pool !== undefined) report("host-pool-without-cluster", place("pool"), {});
    return;
  }
  const clusterSpec = findDocument(index, "Cluster", cluster)?.spec;
  const rackIdc = findDocument(index, "Rack", rack)?.spec.idc;
  if (clusterSpec === undefined) return;
  if (rackIdc !== undefined && rackIdc !== clusterSpec.idc) {
    report("host-cluster-idc", place("cluster"), { rack, rackIdc, cluster, clusterIdc: clusterSpec.idc });
  }
  const poolEnvironment = pool === undefined ? undefined : findDocument(index, "Pool", pool)?.spec.environment;
  if (pool === undefined || poolEnvironment === undefined || poolEnvironment === clusterSpec.environment) return;
  report("host-pool-environment", place("pool"), {
    pool,
    poolEnvironment,
    cluster,
    clusterEnvironment: clusterSpec.environment,
  });
};
