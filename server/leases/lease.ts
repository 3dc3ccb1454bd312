import { setTimeout as sleep } from "node:timers/promises";
import type { Query } from "../database/database.ts";

/** Tries to take or renew a lease for `holder`; returns its term (which grows with every new holder), or null if another has it. */
export async function takeLease(
  query: Query,
  lease: Readonly<{ name: string; holder: string; durationMs: number }>,
): Promise<number | null> {
  const rows = await query<{ term: number }>(
    `INSERT INTO leases (name, holder, term, expires_at) VALUES ($1, $2, 1, clock_timestamp() + $3 * interval '1 ms')
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at,
       term = leases.term + CASE WHEN leases.holder = excluded.holder THEN 0 ELSE 1 END
     WHERE leases.holder = excluded.holder OR leases.expires_at < clock_timestamp()
     RETURNING term`,
    [lease.name, lease.holder, lease.durationMs],
  );
  return rows[0]?.term ?? null;
}

/** Gives a lease up, so that another server need not wait for its end. */
export async function releaseLease(query: Query, name: string, holder: string): Promise<void> {
  await query("DELETE FROM leases WHERE name = $1 AND holder = $2", [name, holder]);
}

export type LeasedWork = Readonly<{
  query: Query;
  name: string;
  holder: string;
  durationMs: number;
  /** Stops everything. */
  signal: AbortSignal;
  /** Runs while the lease is held; its signal fires when it is lost, at the latest when it runs out by this process's own clock. */
  work: (signal: AbortSignal, term: number) => Promise<void>;
  onError: (error: unknown) => void;
}>;

/**
 * Runs `work` on one server at a time: whoever holds the lease. Renews at a third of its duration; work that can't be renewed in time is
 * told to stop before the lease runs out. Returns when the signal fires and the work has ended.
 */
export async function runUnderLease(options: LeasedWork): Promise<void> {
  const { query, name, holder, durationMs, signal } = options;
  const pause = async (ms: number, until: AbortSignal): Promise<void> => {
    await sleep(ms, undefined, { signal: until }).catch(() => undefined);
  };
  while (!signal.aborted) {
    const asked = performance.now();
    const term = await takeLease(query, { name, holder, durationMs }).catch((error: unknown) => {
      options.onError(error);
      return null;
    });
    if (term === null) {
      await pause(durationMs / 3, signal);
      continue;
    }
    const lost = new AbortController();
    const until = AbortSignal.any([signal, lost.signal]);
    let goodUntil = asked + durationMs * 0.9;
    const renew = async (): Promise<void> => {
      while (!until.aborted) {
        await pause(durationMs / 3, until);
        if (until.aborted) return;
        const asked = performance.now();
        try {
          const renewed = await takeLease(query, { name, holder, durationMs });
          if (renewed !== term) return lost.abort();
          goodUntil = asked + durationMs * 0.9;
        } catch (error) {
          options.onError(error);
        }
      }
    };
    // A renewal that hangs must not keep the work going: this timer looks at the clock alone.
    const watchdog = setInterval(() => performance.now() > goodUntil && lost.abort(), durationMs / 20);
    const renewing = renew();
    try {
      await options.work(until, term);
    } catch (error) {
      options.onError(error);
      await pause(1000, until);
    } finally {
      clearInterval(watchdog);
      lost.abort();
      await renewing;
      await releaseLease(query, name, holder).catch(options.onError);
    }
  }
}
