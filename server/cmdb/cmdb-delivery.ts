import type { Query, Row } from "../database/database.ts";
import type { CmdbAdapter, CmdbEndpoint } from "./cmdb-adapter.ts";

const atOnce = 8;
const batch = 200;
/** With this back-off the last attempt comes about an hour after the first. */
const mostAttempts = 15;
const firstWaitMs = 1000;
const longestWaitMs = 600_000;

type DueRow = Row &
  Readonly<{
    id: number;
    message_key: string;
    kind: string;
    name: string;
    change: string;
    version: number;
    changed_at: string;
    record: unknown;
    attempts: number;
  }>;

/**
 * Sends a target what is due: of each object the oldest delivery that has not ended, so that an object's changes arrive in order; a dead one
 * holds up its object and no other. Returns how many were tried.
 */
export async function deliverDue(
  query: Query,
  options: Readonly<{ target: string; endpoint: CmdbEndpoint; adapter: CmdbAdapter; signal: AbortSignal }>,
): Promise<number> {
  const { target, endpoint, adapter, signal } = options;
  const due = await query<DueRow>(
    `SELECT * FROM (SELECT DISTINCT ON (kind, name) id, message_key, kind, name, change, version, changed_at, record, attempts, state, next_at
       FROM cmdb_deliveries WHERE target = $1 AND state IN ('waiting', 'dead') ORDER BY kind, name, id) AS head
     WHERE state = 'waiting' AND next_at <= now() ORDER BY id LIMIT ${batch}`,
    [target],
  );
  const queue = [...due];
  const work = async (): Promise<void> => {
    for (let row = queue.shift(); row !== undefined && !signal.aborted; row = queue.shift()) {
      const { id, message_key: key, kind, name, change, version, changed_at: at, record } = row;
      try {
        await adapter(endpoint, { key, kind, name, change, version, at, record }, signal);
        await query(
          "UPDATE cmdb_deliveries SET state = 'delivered', attempts = attempts + 1, ended_at = now() WHERE id = $1",
          [id],
        );
      } catch (error) {
        if (signal.aborted) return;
        await recordFailure(query, row, error instanceof Error ? error.message : String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return due.length;
}

async function recordFailure(query: Query, { id, attempts }: DueRow, reason: string): Promise<void> {
  const isLast = attempts + 1 >= mostAttempts;
  const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** attempts) * (0.75 + Math.random() / 2);
  await query(
    `UPDATE cmdb_deliveries SET state = $2, attempts = attempts + 1, last_error = $3, next_at = now() + $4 * interval '1 ms'
     WHERE id = $1`,
    [id, isLast ? "dead" : "waiting", reason, waitMs],
  );
}

/** How long until something is due for a target, in ms; null when nothing waits. */
export async function nextDueMs(query: Query, target: string): Promise<number | null> {
  const [row] = await query<{ wait: number | null }>(
    `SELECT (extract(epoch FROM min(next_at) - now()) * 1000)::float8 AS wait FROM (SELECT DISTINCT ON (kind, name) state, next_at
       FROM cmdb_deliveries WHERE target = $1 AND state IN ('waiting', 'dead') ORDER BY kind, name, id) AS head WHERE state = 'waiting'`,
    [target],
  );
  return row?.wait ?? null;
}
