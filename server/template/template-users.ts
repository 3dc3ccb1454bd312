import { usersBy } from "../estate/record-users.ts";

/** Which templates use documents of the estate. */
export const templateUsers = usersBy([
  {
    of: "Subsystem",
    by: "Template",
    query: `SELECT DISTINCT t.subsystem AS of, t.subsystem AS name, t.business, NULL AS environment, NULL AS dcn_group
      FROM templates t WHERE t.subsystem = ANY($1::text[])`,
  },
]);
