import type { EstateOutcome } from "@wcs/core/estate";
import type { Query, Row } from "../database/database.ts";
import { Failure } from "../http/failure.ts";
import { estateTable } from "./estate-tables.ts";

type VersionRow = Row & Readonly<{ name: string; version: number }>;

/** Throws `resource.version-mismatch` that names every document which is no longer at the version that its change is meant for. */
export async function requireVersions(query: Query, outcomes: readonly EstateOutcome[]): Promise<void> {
  const bound = Map.groupBy(
    outcomes.filter(({ version }) => version !== null),
    ({ ref }) => ref.kind,
  );
  const errors = [];
  for (const [kind, wanted] of bound) {
    const rows = await query<VersionRow>(
      `SELECT name, version FROM ${estateTable(kind)} WHERE name = ANY($1::text[])`,
      [wanted.map(({ ref }) => ref.name)],
    );
    const versions = new Map(rows.map(({ name, version }) => [name, version]));
    for (const { ref, version } of wanted) {
      const found = versions.get(ref.name);
      if (found === version) continue;
      const now = found === undefined ? "is not there" : `is at version ${found}`;
      errors.push({ ...ref, message: `${now}, not at ${version}` });
    }
  }
  if (errors.length === 0) return;
  const [{ kind, name, message }] = errors as [(typeof errors)[number]];
  throw new Failure("resource.version-mismatch", `${kind} ${name} ${message}`, { errors });
}
