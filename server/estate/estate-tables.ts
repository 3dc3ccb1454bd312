import { estateKinds, type EstateDocument, type EstateKind } from "@wcs/core/estate";
import type { EstateRecord } from "@wcs/api/estate";
import type { Row } from "../database/database.ts";

/** A row of any of the estate's tables. */
export type EstateRow = Row &
  Readonly<{ name: string; document: Omit<EstateDocument, "kind" | "name">; version: number }>;

/** The columns of an `EstateRow`. */
export const estateColumns = "name, document, version";

/** The table of a kind: `DCNGroup` is kept in `dcn_groups`. */
export function estateTable(kind: EstateKind): string {
  return estateKinds[kind].plural.replaceAll("-", "_");
}

/** The document of a row. */
export function documentOfRow(kind: EstateKind, { name, document }: EstateRow): EstateDocument {
  return { kind, name, ...document } as EstateDocument;
}

/** What the API shows of a row. */
export function recordOfRow(kind: EstateKind, row: EstateRow): EstateRecord {
  return { ...documentOfRow(kind, row), version: row.version };
}
