import type { TemplateSpec } from "@wcs/core/template";
import type { Query, Row } from "../database/database.ts";

/** One version of a subsystem's template. */
export type Template = Readonly<{
  subsystem: string;
  version: number;
  business: string;
  note: string;
  spec: TemplateSpec;
  hash: string;
  createdBy: string;
  createdAt: string;
}>;

type TemplateRow = Row &
  Readonly<{
    subsystem: string;
    version: number;
    business: string;
    note: string;
    spec: TemplateSpec;
    hash: string;
    created_by: string;
    created_at: Date;
  }>;

const columns = "subsystem, version, business, note, spec, hash, created_by, created_at";

function templateOf(row: TemplateRow): Template {
  const { subsystem, version, business, note, spec, hash } = row;
  return {
    subsystem,
    version,
    business,
    note,
    spec,
    hash,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
  };
}

/** A version, or null. */
export async function findTemplate(query: Query, subsystem: string, version: number): Promise<Template | null> {
  const [row] = await query<TemplateRow>(`SELECT ${columns} FROM templates WHERE subsystem = $1 AND version = $2`, [
    subsystem,
    version,
  ]);
  return row === undefined ? null : templateOf(row);
}

/** The newest version, or null. */
export async function newestTemplate(query: Query, subsystem: string): Promise<Template | null> {
  const [row] = await query<TemplateRow>(
    `SELECT ${columns} FROM templates WHERE subsystem = $1 ORDER BY version DESC LIMIT 1`,
    [subsystem],
  );
  return row === undefined ? null : templateOf(row);
}

/** Up to `limit` versions after a place, by subsystem, newest first. */
export async function listTemplates(
  query: Query,
  page: Readonly<{ subsystem: string | null; after: readonly [string, number] | null; limit: number }>,
): Promise<readonly Template[]> {
  const [afterSubsystem, afterVersion] = page.after ?? ["", 0];
  const rows = await query<TemplateRow>(
    `SELECT ${columns} FROM templates
     WHERE ($1::text IS NULL OR subsystem = $1) AND (subsystem > $2 OR (subsystem = $2 AND version < $3))
     ORDER BY subsystem, version DESC LIMIT $4`,
    [page.subsystem, afterSubsystem, afterVersion, page.limit],
  );
  return rows.map(templateOf);
}

/**
 * Adds a version with the next number. Versions of one subsystem are made one after another: the lock holds until the transaction ends.
 */
export async function addTemplate(
  query: Query,
  template: Pick<Template, "subsystem" | "business" | "note" | "spec" | "hash" | "createdBy">,
): Promise<Template> {
  const { subsystem, business, note, spec, hash, createdBy } = template;
  const [row] = await query<TemplateRow>(
    `INSERT INTO templates (subsystem, version, business, note, spec, hash, created_by)
     SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5, $6 FROM templates WHERE subsystem = $1
     RETURNING ${columns}`,
    [subsystem, business, note, JSON.stringify(spec), hash, createdBy],
  );
  if (row === undefined) throw new Error("INSERT returned no row");
  return templateOf(row);
}

/** Lets one transaction at a time add a version to a subsystem's template. */
export async function lockTemplates(query: Query, subsystem: string): Promise<void> {
  await query("SELECT pg_advisory_xact_lock(7830, hashtext($1))", [subsystem]);
}
