import { canonicalJson } from "@wcs/core/canonical";
import {
  estateKindNames,
  type EstateDocument,
  type EstateIndex,
  type EstateKind,
  type EstateRef,
} from "@wcs/core/estate";
import type { Send } from "../database/transaction.ts";
import { estateTable } from "./estate-tables.ts";
import { scopeOfDocument } from "./scope-of-document.ts";

/** A document that is new (`before` is null) or changed. */
type Put = Readonly<{ before: EstateDocument | null; after: EstateDocument }>;

/** What is to be stored: documents that are new or changed, and names that go. */
export type EstateWrite = Readonly<{
  puts: readonly Put[];
  deletions: readonly EstateRef[];
  version: number;
  writer: string;
}>;

/**
 * Sends the changes: a handful of statements for each kind, however many documents. Rows that only follow from documents go first, then documents come in the
 * order in which they refer to each other, then deletions in the reverse order, so that PostgreSQL's own checks pass at every step. Nothing is
 * waited for: the estate's lock is held meanwhile.
 */
export function writeEstate(send: Send, index: EstateIndex, write: EstateWrite): void {
  const { puts, deletions, version, writer } = write;
  const putsOf = Map.groupBy(puts, ({ after }) => after.kind);
  const deletedOf = Map.groupBy(deletions, ({ kind }) => kind);
  const relinkedOf = Map.groupBy(puts.filter(linksDiffer), ({ after }) => after.kind);
  const relinked = (kind: EstateKind): readonly string[] => (relinkedOf.get(kind) ?? []).map(({ after }) => after.name);
  for (const kind of estateKindNames) {
    const names = [...relinked(kind), ...(deletedOf.get(kind) ?? []).map(({ name }) => name)];
    if (names.length === 0) continue;
    for (const text of unlinkStatements[kind] ?? []) send(text, [names]);
  }
  for (const kind of estateKindNames) {
    const documents = putsOf.get(kind)?.map(({ after }) => after);
    if (documents === undefined) continue;
    putDocuments(send, index, { kind, documents, version });
    const names = relinked(kind);
    if (names.length === 0) continue;
    for (const text of linkStatements[kind] ?? []) send(text, [names]);
  }
  for (const kind of estateKindNames.toReversed()) {
    const names = (deletedOf.get(kind) ?? []).map(({ name }) => name);
    if (names.length === 0) continue;
    send(`DELETE FROM ${estateTable(kind)} WHERE name = ANY($1::text[])`, [names]);
    send(
      "INSERT INTO estate_deletions (version, kind, name) SELECT $1, $2, unnest($3::text[]) ON CONFLICT DO NOTHING",
      [version, kind, names],
    );
  }
  send("UPDATE estate_state SET version = $1, writer = $2", [version, writer]);
}

/** Whether the rows that follow from a document become others. */
function linksDiffer({ before, after }: Put): boolean {
  const fields = linkFields[after.kind];
  if (fields === undefined) return false;
  if (before === null) return true;
  const of = ({ spec }: EstateDocument): unknown =>
    fields.map((field) => (spec as Record<string, unknown>)[field] ?? null);
  return canonicalJson(of(before)) !== canonicalJson(of(after));
}

type Documents = Readonly<{ kind: EstateKind; documents: readonly EstateDocument[]; version: number }>;

function putDocuments(send: Send, index: EstateIndex, { kind, documents, version }: Documents): void {
  const rows = documents.map((each) => {
    const { kind: _kind, name, ...document } = each;
    const { business, environment, dcnGroup } = scopeOfDocument(index, each);
    return { name, document, business, environment, dcn_group: dcnGroup };
  });
  send(
    `INSERT INTO ${estateTable(kind)} (name, document, version, business, environment, dcn_group)
     SELECT r.name, r.document, $2, r.business, r.environment, r.dcn_group
     FROM jsonb_to_recordset($1::jsonb) AS r (name text, document jsonb, business text, environment text, dcn_group text)
     ON CONFLICT (name) DO UPDATE SET document = excluded.document, version = excluded.version, business = excluded.business,
       environment = excluded.environment, dcn_group = excluded.dcn_group, updated_at = now()`,
    [JSON.stringify(rows), version],
  );
}

/** What of a document's spec the rows of its link tables are made from. */
const linkFields: Readonly<Partial<Record<EstateKind, readonly string[]>>> = {
  Host: ["addresses"],
  VM: ["addresses"],
  DCN: ["clusters"],
  Pool: ["quotas"],
  Subsystem: ["areas", "rules"],
};

const addressesOf = (table: "hosts" | "vms", column: "host" | "vm") =>
  `INSERT INTO machine_addresses (address, area, ${column})
   SELECT a.value::inet, a.key, m.name FROM ${table} m, jsonb_each_text(m.document #> '{spec,addresses}') a
   WHERE m.name = ANY($1::text[])`;

/** Rows of the link tables, made from documents that are in their tables by then. */
const linkStatements: Readonly<Partial<Record<EstateKind, readonly string[]>>> = {
  Host: [addressesOf("hosts", "host")],
  VM: [addressesOf("vms", "vm")],
  DCN: [
    `INSERT INTO dcn_clusters (dcn, cluster)
     SELECT d.name, c.value FROM dcns d, jsonb_array_elements_text(d.document #> '{spec,clusters}') c
     WHERE d.name = ANY($1::text[])`,
  ],
  Pool: [
    `INSERT INTO pool_quotas (pool, business, guarantee_cpu_milli, guarantee_memory_mib, limit_cpu_milli, limit_memory_mib)
     SELECT p.name, q.key, (q.value #>> '{guarantee,cpuMilli}')::bigint, (q.value #>> '{guarantee,memoryMiB}')::bigint,
       (q.value #>> '{limit,cpuMilli}')::bigint, (q.value #>> '{limit,memoryMiB}')::bigint
     FROM pools p, jsonb_each(p.document #> '{spec,quotas}') q WHERE p.name = ANY($1::text[])`,
  ],
  Subsystem: [
    `INSERT INTO subsystem_areas (subsystem, area)
     SELECT s.name, a.value FROM subsystems s, jsonb_array_elements_text(s.document #> '{spec,areas}') a
     WHERE s.name = ANY($1::text[])`,
    `INSERT INTO subsystem_neighbours (subsystem, neighbour)
     SELECT DISTINCT s.name, n.value ->> 'subsystem' FROM subsystems s,
       jsonb_array_elements(coalesce(s.document #> '{spec,rules,together}', '[]') || coalesce(s.document #> '{spec,rules,apart}', '[]')) n
     WHERE s.name = ANY($1::text[])`,
  ],
};

const unlinkStatements: Readonly<Partial<Record<EstateKind, readonly string[]>>> = {
  Host: ["DELETE FROM machine_addresses WHERE host = ANY($1::text[])"],
  VM: ["DELETE FROM machine_addresses WHERE vm = ANY($1::text[])"],
  DCN: ["DELETE FROM dcn_clusters WHERE dcn = ANY($1::text[])"],
  Pool: ["DELETE FROM pool_quotas WHERE pool = ANY($1::text[])"],
  Subsystem: [
    "DELETE FROM subsystem_areas WHERE subsystem = ANY($1::text[])",
    "DELETE FROM subsystem_neighbours WHERE subsystem = ANY($1::text[])",
  ],
};
