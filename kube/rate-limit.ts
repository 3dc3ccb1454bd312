import { KubeError } from "./errors.ts";

export const callPriorities = ["high", "normal", "low"] as const;
export type CallPriority = (typeof callPriorities)[number];

export type RateLimit = Readonly<{
  /** Resolves when the call may start. Rejects with `cancelled` when the signal fires, `too-many-requests` when too many wait. */
  admit: (priority: CallPriority, signal?: AbortSignal) => Promise<void>;
  /** The server asked for a pause (Retry-After). */
  pause: (durationMs: number) => void;
  waiting: () => number;
  close: () => void;
}>;

export type RateLimitOptions = Readonly<{
  callsPerSecond: number;
  burst: number;
  maxWaiting: number;
  nowMs?: () => number;
}>;

type Waiter = { order: number; go: () => void; drop: (error: KubeError) => void };

/** Every n-th call is the one that waits longest, whatever its priority, so that `low` is never starved. */
const fairEvery = 8;

/** A token bucket in front of which calls wait by priority. */
export function createRateLimit(options: RateLimitOptions): RateLimit {
  const { callsPerSecond, burst, maxWaiting, nowMs = () => performance.now() } = options;
  const queues: Record<CallPriority, Waiter[]> = { high: [], normal: [], low: [] };
  let tokens = burst;
  let filledAtMs = nowMs();
  let pausedUntilMs = 0;
  let granted = 0;
  let order = 0;
  let timer: NodeJS.Timeout | null = null;

  const waiting = () => queues.high.length + queues.normal.length + queues.low.length;

  function next(): Waiter | undefined {
    granted += 1;
    const heads = callPriorities.filter((priority) => queues[priority].length > 0);
    const first = heads[0];
    if (first === undefined) return undefined;
    const chosen =
      granted % fairEvery === 0
        ? heads.reduce((a, b) => ((queues[a][0]?.order ?? 0) <= (queues[b][0]?.order ?? 0) ? a : b))
        : first;
    return queues[chosen].shift();
  }

  function grant(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const now = nowMs();
    tokens = Math.min(burst, tokens + ((now - filledAtMs) / 1000) * callsPerSecond);
    filledAtMs = now;
    if (now >= pausedUntilMs) {
      while (tokens >= 1 && waiting() > 0) {
        tokens -= 1;
        next()?.go();
      }
    }
    if (waiting() === 0) return;
    const untilTokenMs = tokens >= 1 ? 0 : ((1 - tokens) / callsPerSecond) * 1000;
    timer = setTimeout(grant, Math.ceil(Math.max(untilTokenMs, pausedUntilMs - now, 1)));
  }

  return {
    admit: (priority, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(new KubeError("cancelled", "the call was cancelled before it started"));
        if (waiting() >= maxWaiting) {
          return reject(
            new KubeError("too-many-requests", `${maxWaiting} calls wait already for this cluster`, {
              advice: "The cluster is slow or asks for fewer requests: check its health, and repeat later.",
            }),
          );
        }
        const onAbort = () => {
          const queue = queues[priority];
          const index = queue.indexOf(waiter);
          if (index >= 0) queue.splice(index, 1);
          reject(new KubeError("cancelled", "the call was cancelled before it started"));
        };
        order += 1;
        const waiter: Waiter = {
          order,
          go: () => {
            signal?.removeEventListener("abort", onAbort);
            resolve();
          },
          drop: (error) => {
            signal?.removeEventListener("abort", onAbort);
            reject(error);
          },
        };
        signal?.addEventListener("abort", onAbort, { once: true });
        queues[priority].push(waiter);
        grant();
      }),
    pause: (durationMs) => {
      pausedUntilMs = Math.max(pausedUntilMs, nowMs() + durationMs);
    },
    waiting,
    close: () => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      for (const priority of callPriorities) {
        const dropped = queues[priority].splice(0);
        for (const waiter of dropped) waiter.drop(new KubeError("cancelled", "the client was closed"));
      }
    },
  };
}
