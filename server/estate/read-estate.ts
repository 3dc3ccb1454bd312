import { reaches, reachesEverything, type Reach, type Scope } from "@wcs/core/access-rights";
import type { EstateRecord } from "@wcs/api/estate";
import { estateKinds, type EstateKind } from "@wcs/core/estate";
import { principalReach, type Principal } from "../access/principal.ts";
import { scopeCondition } from "../access/scope-condition.ts";
import type { Query } from "../database/database.ts";
import { estateColumns, estateTable, recordOfRow, type EstateRow } from "./estate-tables.ts";

const scopeColumns = { business: "business", environment: "environment", dcnGroup: "dcn_group" } as const;

type ScopedRow = EstateRow &
  Readonly<{ business: string | null; environment: string | null; dcn_group: string | null }>;

/** A document with what it belongs to, or null. */
export async function readEstate(
  query: Query,
  kind: EstateKind,
  name: string,
): Promise<Readonly<{ record: EstateRecord; scope: Scope }> | null> {
  const [row] = await query<ScopedRow>(
    `SELECT ${estateColumns}, business, environment, dcn_group FROM ${estateTable(kind)} WHERE name = $1`,
    [name],
  );
  if (row === undefined) return null;
  const { business, environment, dcn_group: dcnGroup } = row;
  return { record: recordOfRow(kind, row), scope: { business, environment, dcnGroup } };
}

/** Which documents: within reach, after a name, with fields of these values. */
export type EstatePage = Readonly<{
  after: string;
  limit: number;
  reach: Reach;
  filters: Readonly<Record<string, string>>;
}>;

/** The documents of a kind in the order of their names. `filters` are fields that `estateFilters` names for the kind. */
export async function listEstate(query: Query, kind: EstateKind, page: EstatePage): Promise<readonly EstateRecord[]> {
  const values: unknown[] = [page.after, page.limit];
  const conditions = ["name > $1"];
  for (const [field, value] of Object.entries(page.filters)) {
    values.push(value);
    conditions.push(`${columnOf[field] ?? field} = $${values.length}`);
  }
  if (!reachesEverything(page.reach)) {
    const scope = scopeCondition(page.reach, scopeColumns, values.length + 1);
    conditions.push(scope.text);
    values.push(...scope.values);
  }
  const rows = await query<EstateRow>(
    `SELECT ${estateColumns} FROM ${estateTable(kind)} WHERE ${conditions.join(" AND ")} ORDER BY name LIMIT $2`,
    values,
  );
  return rows.map((row) => recordOfRow(kind, row));
}

/** Columns that are not called as their field. */
const columnOf: Readonly<Record<string, string>> = { group: "dcn_group" };

/**
 * Which of the names are no documents of the kind that the principal may see; the others stay until the transaction ends. What one may not see is
 * not there, so that nobody learns of another business's names by referring to them.
 */
export async function missingInEstate(
  query: Query,
  principal: Principal,
  { kind, names }: Readonly<{ kind: EstateKind; names: readonly string[] }>,
): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const rows = await query<ScopedRow>(
    `SELECT ${estateColumns}, business, environment, dcn_group FROM ${estateTable(kind)} WHERE name = ANY($1::text[]) ORDER BY name FOR KEY SHARE`,
    [names],
  );
  const reach = principalReach(principal, "get", estateKinds[kind].plural);
  const found = new Set(
    rows
      .filter(({ business, environment, dcn_group: dcnGroup }) => reaches(reach, { business, environment, dcnGroup }))
      .map(({ name }) => name),
  );
  return [...new Set(names)].filter((name) => !found.has(name));
}
