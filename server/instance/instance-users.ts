import { usersBy, type RecordUse } from "../estate/record-users.ts";

/** Instances that are not retired; of a subsystem and an environment, which own their history, the others too. */
const standing = (of: RecordUse["of"], column: string): RecordUse => ({
  of,
  by: "Instance",
  query: `SELECT t.${column} AS of, t.name, t.business, t.environment, t.dcn_group FROM instances t WHERE t.${column} = ANY($1::text[])`,
});

/** Which instances use documents of the estate. */
export const instanceUsers = usersBy([
  standing("Host", "live_host"),
  standing("Cluster", "live_cluster"),
  standing("Class", "live_class"),
  standing("DCN", "live_dcn"),
  standing("Subsystem", "subsystem"),
  standing("Environment", "environment"),
]);
