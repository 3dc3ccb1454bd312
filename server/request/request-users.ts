import { usersBy, type RecordUse } from "../estate/record-users.ts";

const made = (of: RecordUse["of"], column: string): RecordUse => ({
  of,
  by: "Request",
  query: `SELECT t.${column} AS of, t.id AS name, t.business, t.environment, t.dcn_group FROM requests t WHERE t.${column} = ANY($1::text[])`,
});

/** Which requests use documents of the estate. */
export const requestUsers = usersBy([made("Subsystem", "subsystem"), made("Environment", "environment")]);
