import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { backoffMs } from "./backoff.ts";
import type { KubeClient, Selectors } from "./client.ts";
import { KubeError, isKubeError } from "./errors.ts";
import { keyOf, type KubeObject } from "./object.ts";
import type { ResourceType } from "./resource.ts";
import { watchEvents } from "./watch-stream.ts";

/** What happened to one key. `before` is undefined when it is new, `after` when it is gone. */
export type CacheChange<P> = Readonly<{ key: string; before: P | undefined; after: P | undefined }>;

export type WatchCacheOptions<T extends KubeObject, P> = Selectors &
  Readonly<{
    client: KubeClient;
    resource: ResourceType<T>;
    namespace?: string | undefined;
    /** Keeps only what is used: the rest of an object is dropped at once. */
    project: (object: T) => P;
    /**
     * Called in order, once for each change of what `project` keeps. It gives the key to a queue and returns; it must not
     * throw. A deleted and re-created object is told as two changes, also after a gap.
     */
    onChange?: ((change: CacheChange<P>) => void) | undefined;
    /** How often a quiet watch must give a sign of life. Default 30,000; at least 5,000. */
    progressMs?: number | undefined;
    /** Added to `progressMs` before a silent watch is given up. Default 10,000. */
    graceMs?: number | undefined;
    pageSize?: number | undefined;
    /** With more objects the cache stops with an error instead of eating the memory. Default 200,000. */
    maxObjects?: number | undefined;
    backoff?: Readonly<{ baseMs: number; maxMs: number }> | undefined;
    random?: (() => number) | undefined;
  }>;

export type WatchCacheStatus = Readonly<{
  phase: "listing" | "watching" | "waiting" | "closed";
  /** False until the first list is complete; what the cache holds is then no whole. */
  synced: boolean;
  objects: number;
  resourceVersion: string;
  /** Since the server last proved that we know its state (a list, an event, a bookmark, a watch ended in order). */
  lagMs: number;
  /** The lag is longer than a healthy watch can have: what the cache holds may be old. */
  stale: boolean;
  events: number;
  relists: number;
  /** Watches that broke, silent ones among them. */
  breaks: number;
  silences: number;
  failuresInARow: number;
  lastError: KubeError | null;
}>;

export type WatchCache<P> = Readonly<{
  get: (key: string) => P | undefined;
  entries: () => IterableIterator<readonly [string, P]>;
  size: () => number;
  /** Resolves when the first list is complete; rejects with the last error after `timeoutMs`. */
  ready: (timeoutMs: number) => Promise<void>;
  status: () => WatchCacheStatus;
  close: () => Promise<void>;
}>;

type Entry<P> = { uid: string; value: P };

/** Lists, then watches, and goes on doing so until closed: whatever breaks, the cache comes back to what the server has. */
export function startWatchCache<T extends KubeObject, P>(options: WatchCacheOptions<T, P>): WatchCache<P> {
  const { client, resource, project, onChange, random = Math.random } = options;
  const progressMs = Math.max(5_000, options.progressMs ?? 30_000);
  const silenceMs = progressMs + (options.graceMs ?? 10_000);
  const backoff = { ...(options.backoff ?? { baseMs: 250, maxMs: 30_000 }), random };
  const maxObjects = options.maxObjects ?? 200_000;
  const entries = new Map<string, Entry<P>>();
  const stop = new AbortController();
  const waiters = new Set<() => void>();

  let phase: WatchCacheStatus["phase"] = "listing";
  let synced = false;
  let resourceVersion = "";
  let provedAtMs = performance.now();
  const counts = { events: 0, relists: 0, breaks: 0, silences: 0, failuresInARow: 0 };
  let lastError: KubeError | null = null;

  const proved = () => {
    provedAtMs = performance.now();
    counts.failuresInARow = 0;
  };

  const requireRoom = (objects: number) => {
    if (objects <= maxObjects) return;
    throw new KubeError("too-large", `there are more than ${maxObjects} ${resource.plural}`, {
      advice: "Narrow the selectors, or raise the limit of this cache.",
    });
  };

  function put(object: T): void {
    const key = keyOf(object);
    const uid = object.metadata.uid ?? "";
    const old = entries.get(key);
    const value = project(object);
    if (old !== undefined && old.uid !== uid) remove(key);
    else if (old !== undefined && isDeepStrictEqual(old.value, value)) return;
    entries.set(key, { uid, value });
    onChange?.({ key, before: old !== undefined && old.uid === uid ? old.value : undefined, after: value });
  }

  function remove(key: string): void {
    const old = entries.get(key);
    if (old === undefined) return;
    entries.delete(key);
    onChange?.({ key, before: old.value, after: undefined });
  }

  /** A whole snapshot, page by page; what is not in it is gone. Until it is complete the old content stays. */
  async function relist(): Promise<void> {
    phase = "listing";
    counts.relists += 1;
    const seen = new Set<string>();
    for await (const page of client.pages(resource, {
      namespace: options.namespace,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      pageSize: options.pageSize,
      signal: stop.signal,
      priority: "high",
    })) {
      for (const object of page.items) {
        seen.add(keyOf(object));
        // What is gone leaves only when the list is complete, so the list is what must fit.
        requireRoom(seen.size);
        put(object);
      }
      resourceVersion = page.resourceVersion;
    }
    for (const key of entries.keys()) if (!seen.has(key)) remove(key);
    proved();
    synced = true;
    for (const wake of waiters) wake();
  }

  async function watch(): Promise<void> {
    phase = "watching";
    for await (const event of watchEvents(client, resource, {
      namespace: options.namespace,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      resourceVersion,
      timeoutMs: progressMs,
      silenceMs,
      signal: stop.signal,
    })) {
      if (event.type === "DELETED") remove(keyOf(event.object));
      else if (event.type !== "BOOKMARK") {
        requireRoom(entries.has(keyOf(event.object)) ? 0 : entries.size + 1);
        put(event.object);
      }
      if (event.type !== "BOOKMARK") counts.events += 1;
      resourceVersion = event.object.metadata.resourceVersion ?? resourceVersion;
      proved();
    }
    proved();
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        if (resourceVersion === "") await relist();
        await watch();
      } catch (thrown) {
        if (stop.signal.aborted) break;
        // A fault of `project` or of ours is no reason to stop following the cluster, but it must be seen.
        const error =
          thrown instanceof KubeError
            ? thrown
            : new KubeError("protocol", `the cache of ${resource.plural} failed: ${String(thrown)}`, { cause: thrown });
        lastError = error;
        counts.breaks += 1;
        counts.failuresInARow += 1;
        if (isKubeError(error, "timed-out") && phase === "watching") counts.silences += 1;
        // A list that broke, or a version the server no longer has: begin anew. Otherwise the watch resumes where it was.
        if (phase === "listing" || !isKubeError(error, ...resumable)) resourceVersion = "";
        phase = "waiting";
        const waitMs = Math.max(backoffMs(backoff, counts.failuresInARow), error.retryAfterMs ?? 0);
        await sleep(waitMs, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
    phase = "closed";
  }
  const running = run();

  return {
    get: (key) => entries.get(key)?.value,
    entries: function* () {
      for (const [key, entry] of entries) yield [key, entry.value] as const;
    },
    size: () => entries.size,
    ready: (timeoutMs) =>
      new Promise((resolve, reject) => {
        if (synced) return resolve();
        const timer = setTimeout(() => {
          waiters.delete(wake);
          reject(lastError ?? new KubeError("timed-out", `${resource.plural} were not listed within ${timeoutMs} ms`));
        }, timeoutMs);
        const wake = () => {
          clearTimeout(timer);
          waiters.delete(wake);
          resolve();
        };
        waiters.add(wake);
      }),
    status: () => {
      const lagMs = Math.round(performance.now() - provedAtMs);
      return {
        phase,
        synced,
        objects: entries.size,
        resourceVersion,
        lagMs,
        stale: !synced || lagMs > silenceMs,
        lastError,
        ...counts,
      };
    },
    close: async () => {
      stop.abort();
      await running;
    },
  };
}

/** After these the watch goes on from where it was. `too-large` and `protocol` would meet the same event again. */
const resumable = [
  "unreachable",
  "timed-out",
  "server-certificate-untrusted",
  "server-certificate-expired",
  "server-certificate-wrong-name",
  "client-certificate-expired",
  "client-certificate-rejected",
  "unauthenticated",
  "forbidden",
  "too-many-requests",
  "server-error",
] as const;
