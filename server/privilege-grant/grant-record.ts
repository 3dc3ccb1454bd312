import type { Scope } from "@wcs/core/access-rights";
import type { GrantWish, SealedGrant } from "@wcs/core/privilege-grant";
import type { Query, Row } from "../database/database.ts";

export type GrantRecord = Readonly<{
  id: string;
  number: number;
  person: string;
  wish: GrantWish;
  hash: string;
  business: string;
  scopes: readonly Scope[];
  state: SealedGrant["state"];
  approvedBy: string | null;
  startsAt: Date | null;
  endsAt: Date | null;
  why: string;
  note: string;
  ticket: string | null;
  version: number;
  createdAt: Date;
}>;

const columns = `number, 'g-' || number AS id, person, wish, hash, business, scopes, state, approved_by AS "approvedBy", starts_at AS "startsAt",
  ends_at AS "endsAt", why, note, ticket, version, created_at AS "createdAt"`;

/** Reads grants by a condition on the table `privilege_grants`. */
export function selectGrants(query: Query, where: string, values: readonly unknown[]): Promise<readonly GrantRecord[]> {
  return query<Row & GrantRecord>(`SELECT ${columns} FROM privilege_grants WHERE ${where}`, values);
}

export async function insertGrant(
  query: Query,
  grant: Pick<GrantRecord, "person" | "wish" | "hash" | "business" | "scopes" | "why" | "ticket">,
): Promise<GrantRecord> {
  const { person, wish, hash, business, scopes, why, ticket } = grant;
  const [row] = await query<Row & GrantRecord>(
    `INSERT INTO privilege_grants (person, wish, hash, instances, business, scopes, state, why, ticket)
     VALUES ($1, $2, $3, $4, $5, $6, 'awaiting-approval', $7, $8) RETURNING ${columns}`,
    [person, JSON.stringify(wish), hash, wish.instances, business, JSON.stringify(scopes), why, ticket],
  );
  if (row === undefined) throw new Error("INSERT returned no row");
  return row;
}

/** Writes what can change. An approval starts its time by the database's clock. */
export async function updateGrant(
  query: Query,
  { number, wish }: GrantRecord,
  change: Readonly<{ state: GrantRecord["state"]; approvedBy?: string; note?: string }>,
): Promise<GrantRecord> {
  const [row] = await query<Row & GrantRecord>(
    `UPDATE privilege_grants SET state = $2, note = coalesce($3, note), approved_by = coalesce($4, approved_by),
       starts_at = CASE WHEN $4::text IS NULL THEN starts_at ELSE now() END,
       ends_at = CASE WHEN $4::text IS NOT NULL THEN now() + $5 * interval '1 minute'
         WHEN $2 = 'ended' THEN least(ends_at, now()) ELSE ends_at END,
       version = version + 1
     WHERE number = $1 RETURNING ${columns}`,
    [number, change.state, change.note ?? null, change.approvedBy ?? null, wish.minutes],
  );
  if (row === undefined) throw new Error(`grant ${number} is gone`);
  return row;
}
