import type { Database } from "../database/database.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";

const everyMs = 10 * 60_000;
/** A picture that did not look for this long (it looks every ten seconds) is made anew. */
const keptHours = 1;

/** Removes old rows of `placement_changes` and remembers up to where, so that an older picture is made anew and never kept with a gap. */
export function changesPruner(database: Database): Reconciler {
  return {
    name: "placement-changes",
    keys: async () => ["all"],
    keysOf: () => [],
    reconcile: async () => {
      await database.query(
        `WITH last AS (SELECT max(xid) AS xid FROM (SELECT xid FROM placement_changes WHERE at < now() - $1 * interval '1 hour'
           AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid LIMIT 100000) AS old),
         gone AS (DELETE FROM placement_changes c USING last WHERE c.xid <= last.xid)
         UPDATE placement_change_log l SET pruned_xid = last.xid FROM last WHERE last.xid > l.pruned_xid`,
        [keptHours],
      );
    },
    resyncMs: everyMs,
    workers: 1,
  };
}
