import { createKeyQueue } from "@wcs/core/queue";
import type { Database } from "../database/database.ts";
import type { LogReader } from "../events/log-reader.ts";
import { logEnd, type LoggedChange } from "../events/watch-log.ts";
import { runUnderLease } from "../leases/lease.ts";
import type { Log } from "../program/log.ts";

/**
 * Makes desired state so, a key at a time. `reconcile` reads what should be, does one idempotent step, and may be killed anywhere; it
 * returns when to look again without a change, if at all. Whatever it throws brings the key back after a back-off.
 */
export type Reconciler = Readonly<{
  /** The name of its lease and in logs and metrics, such as `cmdb-delivery`. */
  name: string;
  /** Every key; asked at the start and every `resyncMs`. */
  keys: () => Promise<readonly string[]>;
  /** The keys that a change of a resource concerns. */
  keysOf: (change: LoggedChange) => readonly string[];
  /** Adds keys for what the watch log does not tell, such as changes on clusters, until the signal. */
  follow?: (add: (keys: readonly string[]) => void, signal: AbortSignal) => Promise<void>;
  reconcile: (key: string, signal: AbortSignal) => Promise<void | Readonly<{ againAfterMs: number }>>;
  /** What a key's work may be held up by, such as its cluster: at most `workersPerLane` work in one lane at a time. */
  laneOf?: (key: string) => string;
  workersPerLane?: number;
  resyncMs: number;
  workers: number;
}>;

export type ReconcilerEnvironment = Readonly<{
  database: Database;
  logReader: LogReader;
  /** This server's name among the holders of leases. */
  holder: string;
  log: Log;
  leaseMs: number;
  signal: AbortSignal;
  onResult: (name: string, ok: boolean, durationMs: number) => void;
}>;

const backOff = { firstMs: 200, longestMs: 60_000, jitter: 0.3 };

/** Runs a reconciler while this server holds its lease. Returns after the signal, when the last worker has ended. */
export async function runReconciler(reconciler: Reconciler, environment: ReconcilerEnvironment): Promise<void> {
  const { database, holder, log, signal } = environment;
  await runUnderLease({
    query: database.query,
    name: `reconciler/${reconciler.name}`,
    holder,
    durationMs: environment.leaseMs,
    signal,
    work: (signal) => workAsHolder(reconciler, { ...environment, signal }),
    onError: (error) => log.error({ err: error, reconciler: reconciler.name }, "lease or reconciler failed"),
  });
}

async function workAsHolder(reconciler: Reconciler, environment: ReconcilerEnvironment): Promise<void> {
  const { database, logReader, log, signal, onResult } = environment;
  const { laneOf = () => "", workersPerLane = reconciler.workers } = reconciler;
  const queue = createKeyQueue(backOff, { laneOf, mostPerLane: workersPerLane });
  const running = new Set<Promise<void>>();
  let wake = Promise.withResolvers<void>();
  const nudge = (): void => wake.resolve();
  const now = (): number => performance.now();
  const add = (keys: readonly string[]): void => {
    for (const key of keys) queue.add(key, now());
    if (keys.length > 0) nudge();
  };

  const runOne = async (key: string): Promise<void> => {
    const started = now();
    try {
      const again = await reconciler.reconcile(key, signal);
      queue.succeeded(key);
      if (again !== undefined) queue.add(key, now() + again.againAfterMs);
      onResult(reconciler.name, true, now() - started);
    } catch (error) {
      const waitMs = queue.failed(key, now(), Math.random());
      if (!signal.aborted) log.warn({ err: error, reconciler: reconciler.name, key, waitMs }, "a reconcile failed");
      onResult(reconciler.name, false, now() - started);
    }
  };

  // The log's end is taken before the keys are listed, so that a change between the two is seen by one or the other.
  const start = await logEnd(database.query);
  const following = (async () => {
    for await (const changes of logReader.follow(start, signal)) {
      add([...new Set(changes.flatMap((change) => reconciler.keysOf(change)))]);
    }
  })();
  const followingOthers = reconciler.follow?.(add, signal);
  const resync = (): void => {
    reconciler
      .keys()
      .then(add, (error: unknown) => log.warn({ err: error, reconciler: reconciler.name }, "a resync failed"));
  };
  resync();
  const resyncing = setInterval(resync, reconciler.resyncMs);
  signal.addEventListener("abort", nudge, { once: true });
  try {
    while (!signal.aborted) {
      while (running.size < reconciler.workers) {
        const key = queue.take(now());
        if (key === null) break;
        const work: Promise<void> = runOne(key).finally(() => {
          running.delete(work);
          nudge();
        });
        running.add(work);
      }
      const due = queue.nextDueMs();
      const timer =
        due === null || running.size >= reconciler.workers ? null : setTimeout(nudge, Math.max(1, due - now()));
      await wake.promise;
      if (timer !== null) clearTimeout(timer);
      wake = Promise.withResolvers();
      if (signal.aborted) nudge();
    }
  } finally {
    clearInterval(resyncing);
    await Promise.all(running);
    await Promise.all([following, followingOthers]);
  }
}
