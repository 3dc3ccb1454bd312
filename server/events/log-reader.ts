import { EventEmitter, once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../database/database.ts";
import { logEnd, readLog, type LoggedChange, type LogPart, type WatchCursor } from "./watch-log.ts";

/** Follows the watch log for everybody in this process who watches. */
export type LogReader = Readonly<{
  /**
   * Changes after the cursor, for ever, until the signal; waits while the database is away. The caller has checked that the
   * cursor is good.
   */
  follow: (after: WatchCursor, signal: AbortSignal) => AsyncGenerator<readonly LoggedChange[], void>;
  /** The log's end as the reader last saw it, for lag metrics and heartbeat cursors. */
  end: () => WatchCursor | null;
  stop: () => void;
}>;

const pollMs = 100;
const retryMs = 500;
const batchSize = 500;

/**
 * One poll for all followers: it looks at the log's end 10 times a second, and only while somebody follows. NOTIFY would spare the
 * poll, but takes a lock of the whole PostgreSQL server at every commit (its async.c), which slows every write.
 */
export function createLogReader(database: Database, onError: (error: unknown) => void): LogReader {
  const moved = new EventEmitter({ captureRejections: false });
  moved.setMaxListeners(0);
  const stopping = new AbortController();
  const followers = new Set<symbol>();
  let polling = false;
  let end: WatchCursor | null = null;

  const poll = async (): Promise<void> => {
    if (polling) return;
    polling = true;
    try {
      while (followers.size > 0 && !stopping.signal.aborted) {
        try {
          const now = await logEnd(database.query);
          if (end === null || now.high !== end.high || now.epoch !== end.epoch) {
            end = now;
            moved.emit("moved");
          }
        } catch (error) {
          onError(error);
        }
        await sleep(pollMs);
      }
    } finally {
      polling = false;
    }
  };

  async function* follow(after: WatchCursor, signal: AbortSignal): AsyncGenerator<readonly LoggedChange[], void> {
    const until = AbortSignal.any([signal, stopping.signal]);
    const follower = Symbol("follower");
    followers.add(follower);
    void poll();
    let place = after;
    let wake: Promise<unknown> | null = null;
    try {
      while (!until.aborted) {
        // Before the read: a move between the two must wake, at the cost of a read too many.
        wake ??= once(moved, "moved", { signal: until }).catch(() => []);
        let part: LogPart;
        try {
          part = await readLog(database.query, place, batchSize);
        } catch (error) {
          // The database is away: the place is kept, so that nothing is missed when it is back.
          onError(error);
          await sleep(retryMs, undefined, { signal: until }).catch(() => undefined);
          continue;
        }
        place = part.next;
        if (part.changes.length > 0) yield part.changes;
        if (part.isEnd) {
          await wake;
          wake = null;
        }
      }
    } finally {
      followers.delete(follower);
    }
  }
  return { follow, end: () => end, stop: () => stopping.abort() };
}
