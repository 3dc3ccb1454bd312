import { createDueHeap, type DueKey } from "./due-heap.ts";

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

/** How many entries of the heap may be out of date before they are cleared away, beyond as many as are good. */
const mostStale = 64;

/** Makes an empty queue. Its steps cost the logarithm of how many keys wait: a bank has hundreds of thousands. */
export function createKeyQueue(backOff: BackOff): KeyQueue {
  const due = new Map<string, DueKey>();
  /** Has every entry of `due`, and ones that an earlier time has taken the place of. */
  const heap = createDueHeap();
  let order = 0;
  const active = new Map<string, number | null>();
  const failures = new Map<string, number>();

  const add = (key: string, atMs: number): void => {
    const again = active.get(key);
    if (again !== undefined) {
      active.set(key, again === null ? atMs : Math.min(again, atMs));
      return;
    }
    const before = due.get(key);
    if (before !== undefined && atMs >= before.atMs) return;
    const entry = { key, atMs, order: before?.order ?? (order += 1) };
    due.set(key, entry);
    heap.push(entry);
    if (heap.size() > 2 * due.size + mostStale) heap.retain((entry) => due.get(entry.key) === entry);
  };
  /** The first that is due, without the entries before it that are out of date. */
  const first = (): DueKey | null => {
    for (let entry = heap.first(); entry !== undefined; entry = heap.first()) {
      if (due.get(entry.key) === entry) return entry;
      heap.shift();
    }
    return null;
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
      const entry = first();
      if (entry === null || entry.atMs > nowMs) return null;
      heap.shift();
      due.delete(entry.key);
      active.set(entry.key, null);
      return entry.key;
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
    nextDueMs: () => first()?.atMs ?? null,
    size: () => ({ waiting: due.size, active: active.size }),
  };
}
