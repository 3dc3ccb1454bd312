import { EventEmitter, once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../database/database.ts";
import { formatCursor, hasReached, logEnd, readWindow, type LoggedChange, type WatchCursor } from "./watch-log.ts";

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
/** So soon after a change: one leads to another, and each waits for a poll. */
const livelyPollMs = 25;
const livelyForMs = 2_000;
const retryMs = 500;
const batchSize = 500;

/**
 * One poll for all followers: it looks at the log's end 10 times a second, more often after a change, and only while somebody follows. NOTIFY would spare the
 * poll, but takes a lock of the whole PostgreSQL server at every commit (its async.c), which slows every write.
 */
export function createLogReader(database: Database, onError: (error: unknown) => void): LogReader {
  const moved = new EventEmitter({ captureRejections: false });
  moved.setMaxListeners(0);
  const stopping = new AbortController();
  const followers = new Set<symbol>();
  let polling = false;
  let end: WatchCursor | null = null;
  let movedAtMs = Number.NEGATIVE_INFINITY;

  const poll = async (): Promise<void> => {
    if (polling) return;
    polling = true;
    try {
      while (followers.size > 0 && !stopping.signal.aborted) {
        try {
          const now = await logEnd(database.query);
          if (end === null || now.high !== end.high || now.epoch !== end.epoch) {
            end = now;
            movedAtMs = performance.now();
            moved.emit("moved");
          }
        } catch (error) {
          onError(error);
        }
        await sleep(performance.now() - movedAtMs < livelyForMs ? livelyPollMs : pollMs);
      }
    } finally {
      polling = false;
    }
  };

  /** Followers at one place share a read. Windows end where the poll saw the log's end, so that those who are there meet, and wake together. */
  const reads = new Map<string, Promise<readonly LoggedChange[]>>();
  const readAfter = (place: WatchCursor): Promise<readonly LoggedChange[]> => {
    const key = formatCursor(place);
    let reading = reads.get(key);
    if (reading === undefined) {
      reading = readWindow(database.query, place, batchSize).finally(() => reads.delete(key));
      reads.set(key, reading);
    }
    return reading;
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
        // Before the look at the end: a move between the two must wake, at the cost of a look too many.
        wake ??= once(moved, "moved", { signal: until }).catch(() => []);
        if (place.low === place.high) {
          if (end === null || hasReached(place, end)) {
            await wake;
            wake = null;
            continue;
          }
          place = { ...place, high: end.high, id: 0 };
        }
        let changes: readonly LoggedChange[];
        try {
          changes = await readAfter(place);
        } catch (error) {
          // The database is away: the place is kept, so that nothing is missed when it is back.
          onError(error);
          await sleep(retryMs, undefined, { signal: until }).catch(() => undefined);
          continue;
        }
        const last = changes.at(-1);
        place = last !== undefined && changes.length === batchSize ? last.cursor : { ...place, low: place.high, id: 0 };
        if (changes.length > 0) yield changes;
      }
    } finally {
      followers.delete(follower);
    }
  }
  return { follow, end: () => end, stop: () => stopping.abort() };
}
