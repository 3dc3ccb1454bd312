import { usersBy } from "../estate/record-users.ts";

/** Which cluster connections use documents of the estate. */
export const clusterUsers = usersBy([
  {
    of: "Cluster",
    by: "ClusterConnection",
    query: `SELECT t.name AS of, t.name, NULL AS business, c.environment, NULL AS dcn_group
      FROM cluster_connections t JOIN clusters c ON c.name = t.name WHERE t.name = ANY($1::text[])`,
  },
  {
    of: "Cluster",
    by: "HostFence",
    query: `SELECT t.cluster AS of, t.node AS name, NULL AS business, NULL AS environment, NULL AS dcn_group
      FROM host_fences t WHERE t.cluster = ANY($1::text[])`,
  },
]);
