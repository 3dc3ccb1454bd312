import { usersBy, type RecordUse } from "../estate/record-users.ts";

const made = (of: RecordUse["of"], column: string): RecordUse => ({
  of,
  by: "Release",
  query: `SELECT t.${column} AS of, t.id AS name, t.business, t.environment, t.dcn_group FROM releases t WHERE t.${column} = ANY($1::text[])`,
});

/** Which releases and freeze windows use documents of the estate. */
export const releaseUsers = usersBy([
  made("Subsystem", "subsystem"),
  made("Environment", "environment"),
  {
    of: "Environment",
    by: "FreezeWindow",
    query: `SELECT e.value AS of, t.name, NULL AS business, e.value AS environment, NULL AS dcn_group
      FROM freeze_windows t, jsonb_array_elements_text(t.description -> 'environments') e WHERE e.value = ANY($1::text[])`,
  },
]);
