import { setTimeout as sleep } from "node:timers/promises";
import type { TimedLine } from "./timed-line.ts";

type Head = Readonly<{ at: number; next: IteratorResult<TimedLine, void> }>;

/**
 * Merges logs, each in order of its own time, into one. A log that is silent holds the others back until it ends, or, with `patienceMs`, for that long: then what is
 * there is shown.
 */
export async function* mergeByTime(
  sources: readonly AsyncGenerator<TimedLine, void>[],
  patienceMs: number | null,
): AsyncGenerator<TimedLine, void> {
  const pending = new Map<number, Promise<Head>>();
  const heads = new Map<number, TimedLine>();
  const ask = (at: number): void => {
    const source = sources[at];
    if (source !== undefined) {
      pending.set(
        at,
        source.next().then((next) => ({ at, next })),
      );
    }
  };
  const take = ({ at, next }: Head): void => {
    pending.delete(at);
    if (next.done !== true) heads.set(at, next.value);
  };
  sources.forEach((_, at) => ask(at));
  while (pending.size > 0 || heads.size > 0) {
    const end = patienceMs === null || heads.size === 0 ? null : performance.now() + patienceMs;
    while (pending.size > 0) {
      const waits: Promise<Head | null>[] = [...pending.values()];
      const stop = new AbortController();
      if (end !== null) {
        const left = Math.max(0, end - performance.now());
        waits.push(sleep(left, null, { signal: stop.signal }).catch(() => null));
      }
      const head = await Promise.race(waits);
      stop.abort();
      if (head === null) break;
      take(head);
      // With nothing shown yet there is nothing to be patient for.
      if (end === null && patienceMs !== null) break;
    }
    let first: number | null = null;
    for (const [at, line] of heads) if (first === null || line.at < (heads.get(first)?.at ?? "")) first = at;
    if (first === null) continue;
    const line = heads.get(first);
    heads.delete(first);
    ask(first);
    if (line !== undefined) yield line;
  }
}
