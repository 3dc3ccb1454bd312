import type { Scope } from "@wcs/core/access-rights";
import type { Query, Row } from "../database/database.ts";

/** A place in the watch log. Opaque to callers; `formatCursor` and `parseCursor` know its text. */
export type WatchCursor = Readonly<{ epoch: string; xid: string; id: number }>;

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
    xid: string;
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

/** `EPOCH.XID.ID` */
export function formatCursor({ epoch, xid, id }: WatchCursor): string {
  return `${epoch}.${xid}.${id}`;
}

/** Null when the text is no cursor. */
export function parseCursor(text: string): WatchCursor | null {
  const match = /^([0-9a-f]{12})\.([0-9]{1,20})\.([0-9]{1,15})$/.exec(text);
  if (match === null || BigInt(match[2] ?? "0") >= 2n ** 64n) return null;
  return { epoch: match[1] ?? "", xid: match[2] ?? "0", id: Number(match[3]) };
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
  return { epoch: row.epoch, xid: row.xmin, id: 0 };
}

/** Whether the log still has everything after the cursor. */
export async function isCursorGood(query: Query, cursor: WatchCursor): Promise<boolean> {
  const rows = await query(
    "SELECT 1 FROM event_log WHERE epoch = $1 AND (pruned_xid, pruned_id) <= ($2::xid8, $3::bigint)",
    [cursor.epoch, cursor.xid, cursor.id],
  );
  return rows.length === 1;
}

/**
 * The next changes after a cursor, at most `limit`. Only rows of transactions older than every running one are read: whatever commits
 * later has a higher xid than all of them, so that reading on from the last row leaves no gap (PostgreSQL 18, 9.27.6).
 */
export async function readLog(query: Query, after: WatchCursor, limit: number): Promise<readonly LoggedChange[]> {
  const rows = await query<LogRow>(
    `SELECT xid::text, id, at, change, kind, name, version, business, environment, dcn_group, record FROM events
     WHERE (xid, id) > ($1::xid8, $2::bigint) AND xid < pg_snapshot_xmin(pg_current_snapshot())
     ORDER BY events.xid, id LIMIT $3`,
    [after.xid, after.id, limit],
  );
  return rows.map((row) => ({
    cursor: { epoch: after.epoch, xid: row.xid, id: row.id },
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
    `WITH old AS (SELECT xid, id FROM events WHERE at < now() - $1 * interval '1 hour'
       AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid, id LIMIT 10000),
     last AS (SELECT xid, id FROM old ORDER BY xid DESC, id DESC LIMIT 1),
     gone AS (DELETE FROM events USING last WHERE (events.xid, events.id) <= (last.xid, last.id) RETURNING 1),
     marked AS (UPDATE event_log SET pruned_xid = last.xid, pruned_id = last.id FROM last
       WHERE (last.xid, last.id) > (pruned_xid, pruned_id))
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
     UPDATE event_log SET epoch = substr(replace(gen_random_uuid()::text, '-', ''), 1, 12), pruned_xid = '0', pruned_id = 0
     WHERE EXISTS (SELECT 1 FROM ahead) RETURNING 1`,
  );
  return rows.length > 0;
}
