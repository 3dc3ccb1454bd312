import type { EstateDocument, EstateKind } from "@wcs/core/estate";
import type { InstanceRecord } from "@wcs/core/placement";
import type { Database, Query, Row } from "../database/database.ts";
import { statement } from "../database/database.ts";
import { documentOfRow, estateColumns, estateTable, type EstateRow } from "../estate/estate-tables.ts";
import { fixedAddresses, type FixedAddresses } from "../ipam/index.ts";

/** The kinds of the estate that placement decides by. */
export const placementKinds = [
  "IDC",
  "Area",
  "Rack",
  "Subnet",
  "System",
  "Subsystem",
  "Class",
  "Cluster",
  "Pool",
  "Host",
  "DCN",
  "VM",
] as const satisfies readonly EstateKind[];
export type PlacementKind = (typeof placementKinds)[number];

/** Up to where a picture has read: the transactions it has seen, and the estate's version. */
export type PictureCursor = Readonly<{ snapshot: string; estate: number }>;

/** An instance as far as placement goes: in its DCN's count, or `leaving`: out of it and still in its host's room. */
export type PictureInstance = InstanceRecord & Readonly<{ leaving: boolean }>;

/** What is new since a cursor; with `whole`, everything there is. */
export type PictureChanges = Readonly<{
  cursor: PictureCursor;
  whole: boolean;
  documents: readonly EstateDocument[];
  deletions: readonly Readonly<{ kind: EstateKind; name: string }>[];
  instances: readonly PictureInstance[];
  /** Instances that changed and are no longer there. */
  gone: readonly string[];
  addresses: readonly FixedAddresses[];
}>;

/**
 * Reads what has changed since each cursor, or everything where there is none or it is too old. All of it in one snapshot of the database: estate,
 * instances and ledger fit together.
 */
export async function readPictures(
  database: Database,
  cursors: readonly (PictureCursor | null)[],
): Promise<readonly PictureChanges[]> {
  return inSnapshot(database, async (query) => {
    const changes = [];
    for (const cursor of cursors) changes.push(await readSince(query, cursor));
    return changes;
  });
}

async function readSince(query: Query, since: PictureCursor | null): Promise<PictureChanges> {
  const [now] = await query<PositionRow>(
    `SELECT pg_current_snapshot()::text AS snapshot, e.version AS estate,
       coalesce(l.pruned_xid < pg_snapshot_xmin($1::pg_snapshot)
         AND pg_snapshot_xmax($1::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot()), false) AS follows
     FROM estate_state e, placement_change_log l`,
    [since?.snapshot ?? null],
  );
  if (now === undefined) throw new Error("estate_state or placement_change_log has lost its row");
  const cursor = { snapshot: now.snapshot, estate: now.estate };
  // A version that went back: the database was restored from a backup.
  if (since === null || !now.follows || now.estate < since.estate) return everything(query, cursor);
  const rows = await query<Row & Readonly<{ kind: "Instance" | "Subnet"; name: string }>>(
    `SELECT DISTINCT kind, name FROM placement_changes
     WHERE xid >= pg_snapshot_xmin($1::pg_snapshot) AND NOT pg_visible_in_snapshot(xid, $1::pg_snapshot)`,
    [since.snapshot],
  );
  const named = (kind: string) => rows.filter((row) => row.kind === kind).map(({ name }) => name);
  const names = named("Instance");
  const subnets = named("Subnet");
  const instances = names.length === 0 ? [] : await readInstances(query, "name = ANY($1::text[])", [names]);
  const found = new Set(instances.map(({ id }) => id));
  const counted = subnets.length === 0 ? [] : await fixedAddresses(query, subnets);
  const estate = now.estate === since.estate ? nothingNew : await estateSince(query, since.estate);
  return {
    cursor,
    whole: false,
    ...estate,
    instances,
    gone: names.filter((name) => !found.has(name)),
    addresses: subnets.map((subnet) => counted.find((each) => each.subnet === subnet) ?? { subnet, fixed: 0, free: 0 }),
  };
}

type PositionRow = Row & Readonly<{ snapshot: string; estate: number; follows: boolean }>;

const nothingNew = { documents: [], deletions: [] } as const;

async function everything(query: Query, cursor: PictureCursor): Promise<PictureChanges> {
  return {
    cursor,
    whole: true,
    documents: (await estateSince(query, -1)).documents,
    deletions: [],
    instances: await readInstances(query, "true", []),
    gone: [],
    addresses: await fixedAddresses(query, null),
  };
}

async function estateSince(query: Query, version: number) {
  const documents: EstateDocument[] = [];
  for (const kind of placementKinds) {
    const rows = await query<EstateRow>(
      `SELECT ${estateColumns} FROM ${estateTable(kind)} WHERE version > $1 ORDER BY name`,
      [version],
    );
    documents.push(...rows.map((row) => documentOfRow(kind, row)));
  }
  const deletions = await query<Row & Readonly<{ kind: EstateKind; name: string }>>(
    "SELECT kind, name FROM estate_deletions WHERE version > $1",
    [version],
  );
  return { documents, deletions };
}

/** So many rows are parsed in a few milliseconds, and their answer is gone before the next one comes. */
const rowsAtOnce = 2000;

type InstanceRow = Row & Omit<PictureInstance, "subnets"> & Readonly<{ nics: readonly Readonly<{ subnet: string }>[] }>;

async function readInstances(
  query: Query,
  where: string,
  values: readonly unknown[],
): Promise<readonly PictureInstance[]> {
  const instances: PictureInstance[] = [];
  for (let last: string | undefined = ""; last !== undefined;) {
    const rows: readonly InstanceRow[] = await query(
      `SELECT name AS id, subsystem, dcn, class, host, nics, lifetime, borrowed, wish = 'retire' AS leaving
       FROM instances WHERE retired_at IS NULL AND ${where} AND name > $${values.length + 1} ORDER BY name LIMIT ${rowsAtOnce}`,
      [...values, last],
    );
    for (const { nics, ...instance } of rows) {
      instances.push({ ...instance, subnets: nics.map(({ subnet }) => subnet) });
    }
    last = rows.length < rowsAtOnce ? undefined : rows.at(-1)?.id;
  }
  return instances;
}

async function inSnapshot<T>(database: Database, read: (query: Query) => Promise<T>): Promise<T> {
  const client = await database.pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on("error", onError);
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const value = await read(async (text, values) => (await client.query(statement(text, values))).rows);
    await client.query("COMMIT");
    return value;
  } catch (error) {
    await client.query("ROLLBACK").catch((rollbackError: unknown) => {
      broken = rollbackError instanceof Error ? rollbackError : new Error(String(rollbackError));
    });
    throw error;
  } finally {
    client.off("error", onError);
    client.release(broken);
  }
}
