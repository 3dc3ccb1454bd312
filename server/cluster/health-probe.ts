import { setTimeout as sleep } from "node:timers/promises";
import { clockSkewMs } from "@wcs/core/cluster";
import { isKubeError, leases, readiness, type KubeClient } from "@wcs/kube";
import { troubleOf } from "./cluster-failure.ts";
import type { Trouble } from "./cluster-store.ts";

/** A component of a cluster; `ok` is null when it can't be told. */
export type ComponentHealth = Readonly<{ name: string; ok: boolean | null; detail: string }>;

/** What one server last saw of a cluster. */
export type ClusterHealth = Readonly<{
  reachable: boolean | null;
  ready: boolean | null;
  since: Date | null;
  checkedAt: Date | null;
  clockSkewMs: number | null;
  trouble: Trouble | null;
  components: readonly ComponentHealth[];
}>;

export const unknownHealth: ClusterHealth = {
  reachable: null,
  ready: null,
  since: null,
  checkedAt: null,
  clockSkewMs: null,
  trouble: null,
  components: [],
};

const call = { timeoutMs: 5_000, priority: "high" } as const;

/** Looks at a cluster once. Never throws for what is the cluster's trouble. */
export async function probeHealth(
  client: KubeClient,
  before: ClusterHealth,
  signal: AbortSignal,
): Promise<ClusterHealth> {
  const now = new Date();
  const next = (seen: Omit<ClusterHealth, "since" | "checkedAt">): ClusterHealth => ({
    ...seen,
    checkedAt: now,
    since: before.reachable === seen.reachable && before.ready === seen.ready ? before.since : now,
  });
  try {
    const askedAtMs = Date.now();
    const { date } = await client.text("/version", { ...call, signal });
    const skewMs = date === null ? null : clockSkewMs(date, askedAtMs, Date.now());
    const { ready, checks } = await readiness(client, { ...call, signal });
    const controllers = await Promise.all(
      ["kube-controller-manager", "kube-scheduler"].map((name) => leaseHealth(client, name, signal)),
    );
    const bad = checks.filter(({ ok }) => !ok).map(({ name }) => name);
    const etcd = checks.find(({ name }) => name === "etcd");
    return next({
      reachable: true,
      ready,
      clockSkewMs: skewMs,
      trouble: null,
      components: [
        { name: "kube-apiserver", ok: ready, detail: bad.length === 0 ? "" : `not ready: ${bad.join(", ")}` },
        { name: "etcd", ok: etcd?.ok ?? null, detail: etcd === undefined ? "the API server does not tell" : "" },
        ...controllers,
      ],
    });
  } catch (error) {
    if (!isKubeError(error)) throw error;
    const trouble = troubleOf(error);
    return next({ reachable: false, ready: null, clockSkewMs: null, trouble, components: [] });
  }
}

/** A controller renews its lease every few seconds while it works (component-base leader election). */
async function leaseHealth(client: KubeClient, name: string, signal: AbortSignal): Promise<ComponentHealth> {
  try {
    const lease = await client.find(leases, { namespace: "kube-system", name, ...call, signal });
    if (lease?.spec?.renewTime === undefined) return { name, ok: null, detail: "it takes no lease" };
    const ageMs = Date.now() - Date.parse(lease.spec.renewTime);
    const longestMs = (lease.spec.leaseDurationSeconds ?? 15) * 1000 + 10_000;
    return { name, ok: ageMs < longestMs, detail: ageMs < longestMs ? "" : `silent for ${Math.round(ageMs / 1000)} s` };
  } catch (error) {
    if (!isKubeError(error, "forbidden")) throw error;
    return { name, ok: null, detail: "WCS may not read its lease" };
  }
}

/** Probes until the signal fires. */
export async function followHealth(
  client: KubeClient,
  options: Readonly<{ everyMs: number; signal: AbortSignal; onHealth: (health: ClusterHealth) => void }>,
): Promise<void> {
  let health = unknownHealth;
  while (!options.signal.aborted) {
    const seen = await probeHealth(client, health, options.signal);
    if (options.signal.aborted) return;
    health = seen;
    options.onHealth(health);
    // Whatever waits for the cluster should not wait long when it is back.
    const waitMs = health.reachable === false ? options.everyMs / 5 : options.everyMs;
    await sleep(waitMs, undefined, { signal: options.signal }).catch(() => undefined);
  }
}
