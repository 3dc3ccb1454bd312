const firstMs = 200;
const longestMs = 30_000;

/**
 * How long to wait before trial number `failures` + 1: a random part of a doubling bound ("full jitter"), so that thousands of agents that lost a server at once do
 * not come back at once. `random` is in [0, 1).
 */
export function backOffMs(failures: number, random: number): number {
  return Math.round(firstMs / 2 + random * Math.min(longestMs, firstMs * 2 ** Math.min(failures, 16)));
}
