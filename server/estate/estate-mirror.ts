import {
  createEstateIndex,
  estateKindNames,
  putDocument,
  removeDocument,
  type EstateIndex,
  type EstateKind,
} from "@wcs/core/estate";
import type { Query, Row } from "../database/database.ts";
import { documentOfRow, estateColumns, estateTable, type EstateRow } from "./estate-tables.ts";

/**
 * The estate in this server's memory, for the rules to look things up. It is true only for who holds the estate's lock: `lockEstate` brings it up to
 * what the database says, and nobody reads it otherwise.
 */
export type EstateMirror = {
  index: EstateIndex;
  version: number;
  /** What was staged and may have been committed; `writer` says whether it was. */
  staged: Readonly<{ writer: string; version: number; undo: () => void }> | null;
};

/** An empty mirror; the first lock fills it. */
export function createEstateMirror(): EstateMirror {
  return { index: createEstateIndex(), version: 0, staged: null };
}

type StateRow = Row & Readonly<{ version: number; writer: string }>;

/** Waits for the estate's lock, held until the transaction ends, and makes the mirror true. */
export async function lockEstate(query: Query, mirror: EstateMirror): Promise<EstateIndex> {
  const [state] = await query<StateRow>("SELECT version, writer FROM estate_state FOR UPDATE");
  if (state === undefined) throw new Error("estate_state has lost its row");
  const { staged } = mirror;
  mirror.staged = null;
  if (staged !== null && staged.writer === state.writer) mirror.version = staged.version;
  else staged?.undo();
  // An older database under the mirror: it was restored from a backup.
  if (state.version < mirror.version) Object.assign(mirror, createEstateMirror());
  if (state.version > mirror.version) await catchUp(query, mirror, state.version);
  return mirror.index;
}

type ChangedRow = EstateRow & Readonly<{ kind: EstateKind }>;
type DeletionRow = Row & Readonly<{ kind: EstateKind; name: string }>;

async function catchUp(query: Query, mirror: EstateMirror, version: number): Promise<void> {
  const deletions = await query<DeletionRow>("SELECT kind, name FROM estate_deletions WHERE version > $1", [
    mirror.version,
  ]);
  for (const ref of deletions) removeDocument(mirror.index, ref);
  const parts = estateKindNames.map(
    (kind) => `SELECT '${kind}' AS kind, ${estateColumns} FROM ${estateTable(kind)} WHERE version > $1`,
  );
  const rows = await query<ChangedRow>(parts.join(" UNION ALL "), [mirror.version]);
  for (const row of rows) putDocument(mirror.index, documentOfRow(row.kind, row));
  mirror.version = version;
}
