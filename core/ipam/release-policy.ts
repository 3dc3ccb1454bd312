/** Shortest time that a retired instance's address is kept for its return, in milliseconds. */
export const shortestTtlMs = 300_000;

/**
 * What happens to the addresses of a retired instance of a subsystem. `never`: they stay with its name until a person releases
 * them. `after-ttl`: they stay `ttlMs` for its return. `coolDownMs`: how long a released address rests, so that peers' caches and
 * firewall entries forget it, before somebody else gets it.
 */
export type ReleasePolicy =
  | Readonly<{ release: "never"; coolDownMs: number }>
  | Readonly<{ release: "after-ttl"; ttlMs: number; coolDownMs: number }>;

/** For a subsystem that says nothing: five minutes, then an hour's rest. */
export const defaultReleasePolicy: ReleasePolicy = {
  release: "after-ttl",
  ttlMs: shortestTtlMs,
  coolDownMs: 3_600_000,
};

const longestMs = 366 * 86_400_000;

/** What is wrong with a policy, or null. */
export function releasePolicyProblem(policy: ReleasePolicy): string | null {
  const whole = (value: number, least: number): boolean =>
    Number.isSafeInteger(value) && value >= least && value <= longestMs;
  if (policy.release === "after-ttl" && !whole(policy.ttlMs, shortestTtlMs)) {
    return `a TTL of ${policy.ttlMs} ms is not between 5 minutes and a year`;
  }
  if (!whole(policy.coolDownMs, 0)) return `a cool-down of ${policy.coolDownMs} ms is not between 0 and a year`;
  return null;
}
