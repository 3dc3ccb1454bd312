import { nowhere } from "../access/nowhere.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Database } from "../database/database.ts";
import { transaction, type ActContext } from "../database/transaction.ts";
import {
  formatCursor,
  hasReached,
  isCursorGood,
  logEnd,
  parseCursor,
  readLog,
  type WatchCursor,
} from "../events/watch-log.ts";

const batch = 500;

const context: ActContext = {
  actor: { kind: "System", name: "cmdb-intake", tokenId: null },
  from: "local",
  requestId: "reconcile",
  act: "cmdb.intake",
  reason: null,
  ticket: null,
};

/** The kinds whose changes go to the CMDB. */
export const cmdbKinds: ReadonlySet<string> = new Set(["Host", "VM", "Instance"]);

/**
 * Takes what the watch log has since last time into deliveries. The cursor moves in the same transaction: each change is taken once. Returns
 * whether `end` was reached: the log's own end moves with every commit, this one's as well.
 */
export async function takeIn(database: Database, end: WatchCursor): Promise<boolean> {
  return await transaction(database, { context }, async (tx) => {
    const [row] = await tx.query<{ cursor: string | null }>("SELECT cursor FROM cmdb_intake FOR UPDATE");
    const kept = row?.cursor === null || row === undefined ? null : parseCursor(row.cursor);
    const isGood = kept !== null && (await isCursorGood(tx.query, kept));
    if (kept !== null && !isGood) {
      // The log was pruned or begun anew under the outbox: the CMDB may miss changes, and people must know.
      const resource = { kind: "CmdbIntake", name: "cursor" };
      recordAudit(tx, { resource, scope: nowhere, before: kept, after: "lost", outcome: "failed" });
    }
    const { changes, next } = await readLog(tx.query, isGood ? kept : await logEnd(tx.query), batch);
    const wanted = changes.filter(({ kind }) => cmdbKinds.has(kind));
    const rows = wanted.map(({ cursor, at, kind, name, change, version, record }) => ({
      message_key: `${cursor.epoch}-${cursor.id}`,
      kind,
      name,
      change,
      version,
      changed_at: at,
      record,
    }));
    if (rows.length > 0) {
      await tx.query(
        `INSERT INTO cmdb_deliveries (target, message_key, kind, name, change, version, changed_at, record)
         SELECT t.name, m.message_key, m.kind, m.name, m.change, m.version, m.changed_at, m.record
         FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (message_key text, kind text, name text, change text, version bigint,
           changed_at text, record jsonb)) WITH ORDINALITY AS m JOIN cmdb_targets t ON m.kind = ANY (t.kinds) ORDER BY m.ordinality`,
        [JSON.stringify(rows)],
      );
    }
    await tx.query("UPDATE cmdb_intake SET cursor = $1", [formatCursor(next)]);
    return hasReached(next, end);
  });
}
