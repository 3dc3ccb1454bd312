import { accessKinds, type AccessKind, type AccessSpec } from "@wcs/api/access";
import { reachesEverything, type Reach, type Scope } from "@wcs/core/access-rights";
import type { Query, Row } from "../database/database.ts";
import { nowhere } from "./nowhere.ts";
import { scopeCondition } from "./scope-condition.ts";

/** A group, service account, role or role binding as the API shows it. */
export type AccessRecord<K extends AccessKind = AccessKind> = Readonly<{
  kind: K;
  name: string;
  title?: string;
  spec: AccessSpec<K>;
  version: number;
  createdAt: string;
  updatedAt: string;
}>;

type RecordRow = Row &
  Readonly<{
    name: string;
    document: { title?: string; spec: unknown };
    version: number;
    created_at: Date;
    updated_at: Date;
  }>;

const columns = "name, document, version, created_at, updated_at";

/** `RoleBinding` is kept in the table `role_bindings`. */
export const accessTable = (kind: AccessKind): string => accessKinds[kind].plural.replaceAll("-", "_");

function recordOf<K extends AccessKind>(kind: K, row: RecordRow): AccessRecord<K> {
  const { title, spec } = row.document;
  return {
    kind,
    name: row.name,
    ...(title === undefined ? {} : { title }),
    spec: spec as AccessSpec<K>,
    version: row.version,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

/** What a record belongs to: its business, if it has one. */
export function scopeOfAccess(kind: AccessKind, spec: AccessSpec<AccessKind>): Scope {
  return { ...nowhere, business: businessOf(kind, spec) };
}

/** A role binding that is bound to one business belongs to it. */
function businessOf(kind: AccessKind, spec: AccessSpec<AccessKind>): string | null {
  if (kind === "Role") return null;
  if (kind === "RoleBinding") {
    const { businesses } = spec as AccessSpec<"RoleBinding">;
    return businesses?.length === 1 ? (businesses[0] ?? null) : null;
  }
  return (spec as AccessSpec<"Group" | "ServiceAccount">).business ?? null;
}

/** The record of a name, or null; `lock` holds it against others until the transaction ends. */
export async function readAccess<K extends AccessKind>(
  query: Query,
  kind: K,
  name: string,
  lock = false,
): Promise<AccessRecord<K> | null> {
  const [row] = await query<RecordRow>(
    `SELECT ${columns} FROM ${accessTable(kind)} WHERE name = $1${lock ? " FOR UPDATE" : ""}`,
    [name],
  );
  return row === undefined ? null : recordOf(kind, row);
}

/** Records within reach, in order of their names, after `after`. */
export async function listAccess<K extends AccessKind>(
  query: Query,
  kind: K,
  page: Readonly<{ after: string; limit: number; reach: Reach }>,
): Promise<readonly AccessRecord<K>[]> {
  const scope = reachesEverything(page.reach)
    ? { text: "true", values: [] }
    : scopeCondition(page.reach, { business: "business", environment: null, dcnGroup: null }, 3);
  const rows = await query<RecordRow>(
    `SELECT ${columns} FROM ${accessTable(kind)} WHERE name > $1 AND ${scope.text} ORDER BY name LIMIT $2`,
    [page.after, page.limit, ...scope.values],
  );
  return rows.map((row) => recordOf(kind, row));
}

export type AccessDocument<K extends AccessKind> = Readonly<{ name: string; title?: string; spec: AccessSpec<K> }>;

/** Inserts (version null) or replaces a record and what refers from it. PostgreSQL refuses a reference to nothing. */
export async function writeAccess<K extends AccessKind>(
  query: Query,
  kind: K,
  document: AccessDocument<K>,
  version: number | null,
): Promise<AccessRecord<K>> {
  const { name, title, spec } = document;
  const values = [name, businessOf(kind, spec), JSON.stringify({ title, spec })];
  const [row] = await query<RecordRow>(
    version === null
      ? `INSERT INTO ${accessTable(kind)} (name, business, document) VALUES ($1, $2, $3) RETURNING ${columns}`
      : `UPDATE ${accessTable(kind)} SET business = $2, document = $3, version = version + 1, updated_at = now()
         WHERE name = $1 RETURNING ${columns}`,
    values,
  );
  if (row === undefined) throw new Error(`${kind} ${name} vanished under its lock`);
  await writeLinks(query, kind, name, spec);
  return recordOf(kind, row);
}

async function writeLinks(query: Query, kind: AccessKind, name: string, spec: AccessSpec<AccessKind>): Promise<void> {
  if (kind === "Group") {
    const { members } = spec as AccessSpec<"Group">;
    await query("DELETE FROM group_members WHERE group_name = $1", [name]);
    await query("INSERT INTO group_members (group_name, person) SELECT $1, unnest($2::text[])", [name, members]);
  } else if (kind === "RoleBinding") {
    const { subjects, businesses = [], environments = [], dcnGroups = [] } = spec as AccessSpec<"RoleBinding">;
    await query("DELETE FROM role_binding_subjects WHERE binding = $1", [name]);
    await query(
      `INSERT INTO role_binding_subjects (binding, person, group_name, service_account)
       SELECT $1, CASE s.kind WHEN 'Person' THEN s.name END, CASE s.kind WHEN 'Group' THEN s.name END,
         CASE s.kind WHEN 'ServiceAccount' THEN s.name END
       FROM jsonb_to_recordset($2::jsonb) AS s (kind text, name text)`,
      [name, JSON.stringify(subjects)],
    );
    await query("DELETE FROM role_binding_bounds WHERE binding = $1", [name]);
    await query(
      `INSERT INTO role_binding_bounds (binding, business, environment, dcn_group)
       SELECT $1, b, NULL, NULL FROM unnest($2::text[]) b UNION ALL SELECT $1, NULL, e, NULL FROM unnest($3::text[]) e
       UNION ALL SELECT $1, NULL, NULL, g FROM unnest($4::text[]) g`,
      [name, businesses, environments, dcnGroups],
    );
  }
}

/** Removes a record; PostgreSQL refuses while something refers to it. */
export async function removeAccess(query: Query, kind: AccessKind, name: string): Promise<void> {
  await query(`DELETE FROM ${accessTable(kind)} WHERE name = $1`, [name]);
}

/** What stands in the way of deleting a record: the role bindings that refer to it. */
export async function referrersOfAccess(query: Query, kind: AccessKind, name: string): Promise<readonly string[]> {
  if (kind === "RoleBinding") return [];
  const text =
    kind === "Role"
      ? "SELECT name FROM role_bindings WHERE role = $1 ORDER BY name LIMIT 20"
      : `SELECT DISTINCT binding AS name FROM role_binding_subjects
         WHERE ${kind === "Group" ? "group_name" : "service_account"} = $1 ORDER BY name LIMIT 20`;
  return (await query<{ name: string }>(text, [name])).map((row) => row.name);
}
