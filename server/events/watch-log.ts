import type { Scope } from "@wcs/core/access-rights";
import type { Query, Row } from "../database/database.ts";

/**
 * A place in the watch log. The log is read in windows of transaction ids, `low` up to before `high`: everything before the window has been
 * read, and in it everything up to `id`. Opaque to callers; `formatCursor` and `parseCursor` know its text.
 */
export type WatchCursor = Readonly<{ epoch: string; low: string; high: string; id: number }>;

/** A change in the watch log, with the cursor to go on from after it. */
export type LoggedChange = Readonly<{
  cursor: WatchCursor;
  at: string;
  change: "created" | "updated" | "deleted";
  kind: string;
  name: string;
  version: number;
  scope: Scope;
  record: unknown;
}>;

type LogRow = Row &
  Readonly<{
    id: number;
    at: Date;
    change: LoggedChange["change"];
    kind: string;
    name: string;
    version: number;
    business: string | null;
    environment: string | null;
    dcn_group: string | null;
    record: unknown;
  }>;

/** `EPOCH.LOW.HIGH.ID` */
export function formatCursor({ epoch, low, high, id }: WatchCursor): string {
  return `${epoch}.${low}.${high}.${id}`;
}

/** Null when the text is no cursor. */
export function parseCursor(text: string): WatchCursor | null {
  const match = /^([0-9a-f]{12})\.([0-9]{1,20})\.([0-9]{1,20})\.([0-9]{1,15})$/.exec(text);
  if (match === null) return null;
  const [, epoch = "", low = "0", high = "0", id] = match;
  if (BigInt(high) >= 2n ** 64n || BigInt(low) > BigInt(high)) return null;
  return { epoch, low, high, id: Number(id) };
}

/**
 * The log's end as of now: every change that a list made after this call can miss comes after it. Transactions that still run are not
 * before it, since it lies just below the oldest of them.
 */
export async function logEnd(query: Query): Promise<WatchCursor> {
  const [row] = await query<{ epoch: string; xmin: string }>(
    "SELECT epoch, pg_snapshot_xmin(pg_current_snapshot())::text AS xmin FROM event_log",
  );
  if (row === undefined) throw new Error("the table event_log has lost its row");
  return { epoch: row.epoch, low: row.xmin, high: row.xmin, id: 0 };
}

/** Whether the log still has everything after the cursor. A window's end that this database has not come to is none of its own. */
export async function isCursorGood(query: Query, cursor: WatchCursor): Promise<boolean> {
  const rows = await query(
    `SELECT 1 FROM event_log WHERE epoch = $1 AND pruned_xid < $2::xid8
       AND $3::xid8 <= pg_snapshot_xmin(pg_current_snapshot())`,
    [cursor.epoch, cursor.low, cursor.high],
  );
  return rows.length === 1;
}

/** Whether everything before `end`'s window has been read when one is at `cursor`. */
export function hasReached(cursor: WatchCursor, end: WatchCursor): boolean {
  return BigInt(cursor.low) >= BigInt(end.low);
}

/** A part of the log, and where to go on. */
export type LogPart = Readonly<{ changes: readonly LoggedChange[]; next: WatchCursor; isEnd: boolean }>;

/**
 * The next changes after a cursor, at most `limit`. A window ends below the oldest transaction that runs (pg_snapshot_xmin), so that nothing
 * can appear in it any more; whatever commits later is in a later window: there is no gap (PostgreSQL 18, 9.27.6). Two changes
 * of one resource are never split the wrong way: the second waits for the first to commit, so that a window with the second has the first.
 */
export async function readLog(query: Query, after: WatchCursor, limit: number): Promise<LogPart> {
  const changes = await readWindow(query, after, limit);
  const last = changes.at(-1);
  if (last !== undefined && changes.length === limit) return { changes, next: last.cursor, isEnd: false };
  const { high } = await logEnd(query);
  const next = { epoch: after.epoch, low: after.high, high, id: 0 };
  return { changes, next, isEnd: next.low === next.high };
}

/** The next changes of the cursor's own window; fewer than `limit` are all that are left in it. */
export async function readWindow(query: Query, after: WatchCursor, limit: number): Promise<readonly LoggedChange[]> {
  if (after.low === after.high) return [];
  const rows = await query<LogRow>(
    `SELECT id, at, change, kind, name, version, business, environment, dcn_group, record FROM events
     WHERE xid >= $1::xid8 AND xid < $2::xid8 AND id > $3 ORDER BY id LIMIT $4`,
    [after.low, after.high, after.id, limit],
  );
  return rows.map((row) => ({
    cursor: { ...after, id: row.id },
    at: row.at.toISOString(),
    change: row.change,
    kind: row.kind,
    name: row.name,
    version: row.version,
    scope: { business: row.business, environment: row.environment, dcnGroup: row.dcn_group },
    record: row.record,
  }));
}

/**
 * Removes changes older than `hours` and remembers where the log now begins, so that an older cursor is refused and never
 * served with a gap. A batch at a time; returns how many went.
 */
export async function pruneLog(query: Query, hours: number): Promise<number> {
  const rows = await query<{ count: number }>(
    `WITH old AS (SELECT xid FROM events WHERE at < now() - $1 * interval '1 hour'
       AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid LIMIT 10000),
     last AS (SELECT xid FROM old ORDER BY xid DESC LIMIT 1),
     gone AS (DELETE FROM events USING last WHERE events.xid <= last.xid RETURNING 1),
     marked AS (UPDATE event_log SET pruned_xid = last.xid FROM last WHERE last.xid > pruned_xid)
     SELECT count(*) AS count FROM gone`,
    [hours],
  );
  return rows[0]?.count ?? 0;
}

/**
 * A database that was restored into another PostgreSQL counts transactions anew. Then the log starts again under a new epoch, and old
 * cursors are refused. Call it once at the start.
 */
export async function renewLogAfterRestore(query: Query): Promise<boolean> {
  const rows = await query(
    `WITH ahead AS (SELECT 1 FROM events WHERE xid >= pg_snapshot_xmax(pg_current_snapshot()) LIMIT 1),
     cleared AS (DELETE FROM events WHERE EXISTS (SELECT 1 FROM ahead))
     UPDATE event_log SET epoch = substr(replace(gen_random_uuid()::text, '-', ''), 1, 12), pruned_xid = '0'
     WHERE EXISTS (SELECT 1 FROM ahead) RETURNING 1`,
  );
  return rows.length > 0;
}
