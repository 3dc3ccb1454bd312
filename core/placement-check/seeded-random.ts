/** Random numbers from a seed (mulberry32): the same seed gives the same numbers everywhere. */
export type SeededRandom = Readonly<{
  /** A whole number from `low` to `high`, both included. */
  between: (low: number, high: number) => number;
  /** True so many times in a hundred. */
  percent: (share: number) => boolean;
  pick: <T>(list: readonly T[]) => T;
}>;

export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    between,
    percent: (share) => next() * 100 < share,
    pick: (list) => list[between(0, list.length - 1)]!,
  };
}
