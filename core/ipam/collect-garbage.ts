import type { Ipv4Address } from "@wcs/core/ipv4";
import type { AddressRecord } from "./address-record.ts";

/** A leak that was seen before and is not yet believed. Kept from run to run under `leakKey`. */
export type Suspicion = Readonly<{ firstSeenMs: number; timesSeen: number }>;

/**
 * What runs and exists, read AFTER the ledger's records: what was created in between can then only look too alive, never too dead.
 * (whereabouts #162 and #207 read it before, and freed addresses of pods that had just started.) `unknownHosts` were not heard of lately:
 * nothing is concluded about what is bound there.
 */
export type LiveWorld = Readonly<{
  instances: ReadonlySet<string>;
  podUids: ReadonlySet<string>;
  unknownHosts: ReadonlySet<string>;
}>;

/**
 * `abandoned-reservation`: reserved for an instance that does not exist; to be released. `vanished-pod`: bound to a pod that does not exist;
 * to be held. `orphan`: held for an instance that does not exist, and that nobody retired; told to people, never freed.
 */
export const leakKinds = ["abandoned-reservation", "vanished-pod", "orphan"] as const;
export type Leak = Readonly<{ kind: (typeof leakKinds)[number]; record: AddressRecord }>;

export type Garbage = Readonly<{ leaks: readonly Leak[]; suspicions: ReadonlyMap<string, Suspicion> }>;

/**
 * Finds leaks. One is believed when it was seen at least twice, the first time `graceMs` ago or longer, and was there every time
 * in between. The key holds the generation and the pod, so that a new owner of the address starts without suspicion.
 */
export function collectGarbage(
  options: Readonly<{
    records: readonly AddressRecord[];
    live: LiveWorld;
    suspicions: ReadonlyMap<string, Suspicion>;
    nowMs: number;
    graceMs: number;
  }>,
): Garbage {
  const suspicions = new Map<string, Suspicion>();
  const leaks: Leak[] = [];
  for (const record of options.records) {
    const kind = leakKind(record, options.live);
    if (kind === null) continue;
    const key = leakKey(record);
    const before = options.suspicions.get(key) ?? { firstSeenMs: options.nowMs, timesSeen: 0 };
    const now = { firstSeenMs: before.firstSeenMs, timesSeen: before.timesSeen + 1 };
    suspicions.set(key, now);
    if (now.timesSeen >= 2 && options.nowMs - now.firstSeenMs >= options.graceMs) leaks.push({ kind, record });
  }
  return { leaks, suspicions };
}

function leakKind(record: AddressRecord, live: LiveWorld): Leak["kind"] | null {
  if (record.owner?.kind !== "instance") return null;
  const exists = live.instances.has(record.owner.name);
  if (record.state === "reserved") return exists ? null : "abandoned-reservation";
  if (record.state === "held") return exists || record.retired ? null : "orphan";
  if (record.binding === null || live.unknownHosts.has(record.binding.host)) return null;
  return live.podUids.has(record.binding.podUid) ? null : "vanished-pod";
}

function leakKey(record: AddressRecord): string {
  const address: Ipv4Address = record.address;
  return `${address} ${record.state} ${record.generation} ${record.binding?.podUid ?? ""} ${record.binding?.containerId ?? ""}`;
}
