import type { Query } from "../database/database.ts";
import { usersBy, type RecordUse } from "../estate/record-users.ts";

/** A token counts while it is good; its scope is that of whom it is for. */
const scoped = (of: RecordUse["of"], list: string): RecordUse => ({
  of,
  by: "Token",
  query: `SELECT n.name AS of, t.id AS name, coalesce(p.business, a.business) AS business, NULL AS environment, NULL AS dcn_group
    FROM unnest($1::text[]) AS n (name) JOIN tokens t ON t.scope -> '${list}' ? n.name
    LEFT JOIN people p ON t.subject_kind = 'Person' AND p.name = t.subject_name
    LEFT JOIN service_accounts a ON t.subject_kind = 'ServiceAccount' AND a.name = t.subject_name
    WHERE t.revoked_at IS NULL AND t.expires_at > now()`,
});

/** The ids of a service account's good tokens: whoever made an account of the name anew would get them with it. */
export async function tokensOfServiceAccount(query: Query, name: string): Promise<readonly string[]> {
  const rows = await query<{ id: string }>(
    `SELECT id FROM tokens WHERE subject_kind = 'ServiceAccount' AND subject_name = $1 AND revoked_at IS NULL AND expires_at > now()
     ORDER BY id LIMIT 20`,
    [name],
  );
  return rows.map(({ id }) => id);
}

/** Which good tokens use documents of the estate. */
export const tokenUsers = usersBy([
  {
    of: "Person",
    by: "Token",
    query: `SELECT t.subject_name AS of, t.id AS name, p.business, NULL AS environment, NULL AS dcn_group
      FROM tokens t LEFT JOIN people p ON p.name = t.subject_name
      WHERE t.subject_kind = 'Person' AND t.subject_name = ANY($1::text[]) AND t.revoked_at IS NULL AND t.expires_at > now()`,
  },
  scoped("Business", "businesses"),
  scoped("Environment", "environments"),
]);
