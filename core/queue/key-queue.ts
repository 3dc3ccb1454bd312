import { createDueHeap, isBefore, type DueHeap, type DueKey } from "./due-heap.ts";

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
  /** When the next key is due in a lane with room; null when none waits. */
  nextDueMs: () => number | null;
  size: () => Readonly<{ waiting: number; active: number }>;
}>;

/** How many entries of the heap may be out of date before they are cleared away, beyond as many as are good. */
const mostStale = 64;

/** What keys may be held up by together: of those in one lane at most so many are with workers at a time. */
export type Lanes = Readonly<{ laneOf: (key: string) => string; mostPerLane: number }>;

const oneLane: Lanes = { laneOf: () => "", mostPerLane: Number.POSITIVE_INFINITY };

/** The heap has every entry of `due` in its lane, and ones that an earlier time has taken the place of. */
type Lane = { readonly heap: DueHeap; waiting: number; active: number };
type Waiting = Readonly<{ entry: DueKey; lane: Lane }>;

/** Makes an empty queue. Its steps cost the logarithm of how many keys wait: a bank has hundreds of thousands. */
export function createKeyQueue(backOff: BackOff, { laneOf, mostPerLane }: Lanes = oneLane): KeyQueue {
  const due = new Map<string, Waiting>();
  const lanes = new Map<string, Lane>();
  let order = 0;
  const active = new Map<string, { againAtMs: number | null; lane: Lane }>();
  const failures = new Map<string, number>();

  const laneNamed = (name: string): Lane => {
    const lane = lanes.get(name) ?? { heap: createDueHeap(), waiting: 0, active: 0 };
    lanes.set(name, lane);
    return lane;
  };
  const isGood = (entry: DueKey): boolean => due.get(entry.key)?.entry === entry;
  const add = (key: string, atMs: number): void => {
    const taken = active.get(key);
    if (taken !== undefined) {
      taken.againAtMs = taken.againAtMs === null ? atMs : Math.min(taken.againAtMs, atMs);
      return;
    }
    const before = due.get(key);
    if (before !== undefined && atMs >= before.entry.atMs) return;
    const lane = laneNamed(laneOf(key));
    const entry = { key, atMs, order: before?.entry.order ?? (order += 1) };
    if (before !== undefined) before.lane.waiting -= 1;
    lane.waiting += 1;
    due.set(key, { entry, lane });
    lane.heap.push(entry);
    if (lane.heap.size() > 2 * lane.waiting + mostStale) lane.heap.retain(isGood);
  };
  /** The first of a lane, without the entries before it that are out of date. */
  const firstOf = ({ heap }: Lane): DueKey | null => {
    for (let entry = heap.first(); entry !== undefined; entry = heap.first()) {
      if (isGood(entry)) return entry;
      heap.shift();
    }
    return null;
  };
  /** The first that is due in a lane with room. */
  const first = (): Waiting | null => {
    let found: Waiting | null = null;
    for (const lane of lanes.values()) {
      const entry = lane.active < mostPerLane ? firstOf(lane) : null;
      if (entry !== null && (found === null || isBefore(entry, found.entry))) found = { entry, lane };
    }
    return found;
  };
  /** Ends a worker's hold; an add that came meanwhile, or the given time, takes effect. */
  const release = (key: string, atMs: number | null): void => {
    const taken = active.get(key);
    if (taken === undefined) throw new Error(`key queue: no worker has ${key}`);
    active.delete(key);
    taken.lane.active -= 1;
    const again = atMs ?? taken.againAtMs;
    if (again !== null) add(key, again);
  };
  return {
    add,
    take: (nowMs) => {
      const next = first();
      if (next === null || next.entry.atMs > nowMs) return null;
      const { lane, entry } = next;
      lane.heap.shift();
      lane.waiting -= 1;
      lane.active += 1;
      due.delete(entry.key);
      active.set(entry.key, { againAtMs: null, lane });
      return entry.key;
    },
    succeeded: (key) => {
      release(key, null);
      failures.delete(key);
    },
    failed: (key, nowMs, random) => {
      const count = (failures.get(key) ?? 0) + 1;
      const fullMs = Math.min(backOff.longestMs, backOff.firstMs * 2 ** Math.min(count - 1, 30));
      const waitMs = fullMs * (1 - backOff.jitter * random);
      // A change that came while the worker failed does not shorten the back-off: the next try sees it as well.
      release(key, nowMs + waitMs);
      failures.set(key, count);
      return waitMs;
    },
    nextDueMs: () => first()?.entry.atMs ?? null,
    size: () => ({ waiting: due.size, active: active.size }),
  };
}
