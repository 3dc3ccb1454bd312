/** How long a key waits after failures: doubles from `firstMs` to `longestMs`, with `jitter` (0..1) of it taken away at random. */
export type BackOff = Readonly<{ firstMs: number; longestMs: number; jitter: number }>;

/**
 * A queue of keys, not of objects: a key is in it once, however often it is added, and one worker has it at a time. A key that is added
 * while a worker has it comes again after that. The idea is client-go's workqueue's. Times are milliseconds of any monotonic clock that
 * the caller passes in; `random` is in [0, 1).
 */
export type KeyQueue = Readonly<{
  /** Makes the key due at `atMs`, or earlier if it is due earlier already. */
  add: (key: string, atMs: number) => void;
  /** The key that is due longest, now this caller's until `succeeded` or `failed`; null when none is due. */
  take: (nowMs: number) => string | null;
  /** The worker is done; the key's failures are forgotten. */
  succeeded: (key: string) => void;
  /** The worker failed; the key comes again after its back-off. Returns the wait. */
  failed: (key: string, nowMs: number, random: number) => number;
  /** When the next key is due; null when none waits. */
  nextDueMs: () => number | null;
  size: () => Readonly<{ waiting: number; active: number }>;
}>;

/** Makes an empty queue. */
export function createKeyQueue(backOff: BackOff): KeyQueue {
  const due = new Map<string, number>();
  const active = new Map<string, number | null>();
  const failures = new Map<string, number>();

  const add = (key: string, atMs: number): void => {
    const again = active.get(key);
    if (again !== undefined) {
      active.set(key, again === null ? atMs : Math.min(again, atMs));
      return;
    }
    const before = due.get(key);
    if (before === undefined || atMs < before) due.set(key, atMs);
  };
  /** Ends a worker's hold; an add that came meanwhile takes effect. */
  const release = (key: string): void => {
    const again = active.get(key);
    if (again === undefined) throw new Error(`key queue: no worker has ${key}`);
    active.delete(key);
    if (again !== null) add(key, again);
  };
  return {
    add,
    take: (nowMs) => {
      let oldest: string | null = null;
      let oldestMs = Number.POSITIVE_INFINITY;
      for (const [key, atMs] of due) {
        if (atMs <= nowMs && atMs < oldestMs) [oldest, oldestMs] = [key, atMs];
      }
      if (oldest === null) return null;
      due.delete(oldest);
      active.set(oldest, null);
      return oldest;
    },
    succeeded: (key) => {
      release(key);
      failures.delete(key);
    },
    failed: (key, nowMs, random) => {
      const count = (failures.get(key) ?? 0) + 1;
      const fullMs = Math.min(backOff.longestMs, backOff.firstMs * 2 ** Math.min(count - 1, 30));
      const waitMs = fullMs * (1 - backOff.jitter * random);
      // A change that came while the worker failed does not shorten the back-off: the next try sees it as well.
      active.set(key, null);
      release(key);
      failures.set(key, count);
      add(key, nowMs + waitMs);
      return waitMs;
    },
    nextDueMs: () => (due.size === 0 ? null : Math.min(...due.values())),
    size: () => ({ waiting: due.size, active: active.size }),
  };
}
