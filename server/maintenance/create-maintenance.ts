import { pruneLog } from "../events/watch-log.ts";
import type { Feature, Platform } from "../program/platform.ts";

const everyMs = 10 * 60_000;
const idempotencyDays = 7;

/** Removes what has had its time: old changes of the watch log, stored answers, long-dead tokens. */
export function createMaintenance({ database, config, log }: Platform): Feature {
  const jobs: Readonly<Record<string, () => Promise<number>>> = {
    "watch-log": () => pruneLog(database.query, config.watchRetentionHours),
    "stored-answers": async () => {
      const rows = await database.query(
        `DELETE FROM idempotency_keys WHERE (actor, key) IN
           (SELECT actor, key FROM idempotency_keys WHERE at < now() - $1 * interval '1 day' LIMIT 10000) RETURNING 1`,
        [idempotencyDays],
      );
      return rows.length;
    },
    "cmdb-deliveries": async () => {
      const rows = await database.query(
        "DELETE FROM cmdb_deliveries WHERE ended_at < now() - interval '30 days' RETURNING 1",
      );
      return rows.length;
    },
    tokens: async () => {
      const rows = await database.query(
        "DELETE FROM tokens WHERE subject_kind <> 'System' AND expires_at < now() - interval '400 days' RETURNING 1",
      );
      return rows.length;
    },
  };
  return {
    routes: [],
    reconcilers: [
      {
        name: "maintenance",
        keys: async () => Object.keys(jobs),
        keysOf: () => [],
        reconcile: async (key) => {
          const removed = (await jobs[key]?.()) ?? 0;
          if (removed > 0) log.info({ job: key, removed }, "removed what has had its time");
        },
        resyncMs: everyMs,
        workers: 1,
      },
    ],
  };
}
