import {
  collectGarbage,
  leakKinds,
  releaseAddress,
  unbindAddress,
  type AddressRecord,
  type Leak,
  type LiveWorld,
  type Suspicion,
} from "@wcs/core/ipam";
import { formatIpv4Address } from "@wcs/core/ipv4";
import { transaction, type ActContext } from "../database/transaction.ts";
import type { Database, Query, Row } from "../database/database.ts";
import { recordOfRow, scopeOfRow, type AddressRow } from "./address-row.ts";
import { changeAddresses, databaseNowMs, lockAddresses } from "./change-addresses.ts";
import { keepDifferences } from "./keep-differences.ts";
import { ledgerParts } from "./ledger-parts.ts";
import { releasePoliciesOf } from "./release-policies.ts";

/** How long a leak must have been one, from its first sight. */
export const leakGraceMs = 600_000;

export type LeakRound = Readonly<{ released: number; held: number; orphans: number; suspected: number }>;

/**
 * One round of garbage collection. The ledger is read first and the living world after it; what is then found is done by
 * compare-and-swap on the row as it is at that moment, so that a pod that started meanwhile loses nothing. Null: the living world
 * could not be read in full, and nothing was concluded.
 */
export async function collectLeaks(
  database: Database,
  options: Readonly<{ context: ActContext; live: () => Promise<LiveWorld | null>; graceMs: number }>,
): Promise<LeakRound | null> {
  const candidates = await mayLeak(database.query);
  const live = await options.live();
  if (live === null) return null;
  const records = candidates.podless.concat(await vanishedPods(database.query, candidates.podOf, live));
  return transaction(database, { context: options.context }, async (tx) => {
    const kept = await tx.query<Row & Readonly<{ key: string; first_seen: Date; times_seen: number }>>(
      "SELECT * FROM ipam_suspicions",
    );
    const suspicions = new Map(
      kept.map((row): [string, Suspicion] => [
        row.key,
        { firstSeenMs: row.first_seen.getTime(), timesSeen: row.times_seen },
      ]),
    );
    const nowMs = await databaseNowMs(tx.query);
    const garbage = collectGarbage({
      records,
      live,
      suspicions,
      nowMs,
      graceMs: options.graceMs,
    });
    await tx.query("DELETE FROM ipam_suspicions");
    await tx.query(
      `INSERT INTO ipam_suspicions (key, first_seen, times_seen)
       SELECT key, to_timestamp(ms / 1000), times FROM unnest($1::text[], $2::float8[], $3::bigint[]) AS s (key, ms, times)`,
      [
        [...garbage.suspicions.keys()],
        [...garbage.suspicions.values()].map(({ firstSeenMs }) => firstSeenMs),
        [...garbage.suspicions.values()].map(({ timesSeen }) => timesSeen),
      ],
    );
    const leaks = new Map(garbage.leaks.map((leak) => [formatIpv4Address(leak.record.address), leak]));
    const locked = await lockAddresses(tx.query, "ip = ANY($1::inet[])", [[...leaks.keys()]]);
    const policyOf = await releasePoliciesOf(
      tx.query,
      locked.map(({ subsystem }) => subsystem),
    );
    const acted = locked.filter(({ ip }) => leaks.get(ip)?.kind !== "orphan");
    const { rows: done } = await changeAddresses(tx, acted, (record, row) => {
      const leak = leaks.get(row.ip);
      if (leak === undefined) throw new Error("the row was found by its leak");
      const { generation: expectedGeneration, binding } = leak.record;
      if (binding !== null) return { transition: unbindAddress(record, binding) };
      // What was reserved and has become something else since is not this leak any more.
      if (record.state !== "reserved") return { transition: { ok: true, record } };
      const { coolDownMs } = policyOf(row.subsystem);
      return { transition: releaseAddress(record, { expectedGeneration, nowMs, coolDownMs }) };
    });
    const found = locked.flatMap((row) => differenceOf(row, leaks.get(row.ip)));
    await keepDifferences(tx, leakKinds, found);
    return {
      released: done.filter(({ state }) => state === "cooling").length,
      held: done.filter(({ state }) => state === "held").length,
      orphans: found.filter(({ kind }) => kind === "orphan").length,
      suspected: garbage.suspicions.size,
    };
  });
}

type Candidates = Readonly<{ podless: AddressRecord[]; podOf: ReadonlyMap<string, string> }>;

// Of addresses without a pod only those whose instance is not there, as the ledger's own moment sees it: hundreds of thousands are no leaks.
const mayLeakText = `owner_kind = 'instance' AND (pod_uid IS NOT NULL OR NOT (state = 'held' AND retired) AND NOT EXISTS (
  SELECT FROM instances i WHERE i.name = owner AND i.state NOT IN ('retired', 'cancelled')))`;

/** What may be a leak; of addresses that a pod has, only whose. */
async function mayLeak(query: Query): Promise<Candidates> {
  const podless: AddressRecord[] = [];
  const podOf = new Map<string, string>();
  for await (const { rows } of ledgerParts(query, mayLeakText)) {
    for (const row of rows) {
      if (row.pod_uid === null) podless.push(recordOfRow(row));
      else podOf.set(row.ip, row.pod_uid);
    }
  }
  return { podless, podOf };
}

/** The records of addresses whose pods are not there. One that has another pod by now had a living one when the world was read. */
async function vanishedPods(
  query: Query,
  podOf: ReadonlyMap<string, string>,
  live: LiveWorld,
): Promise<readonly AddressRecord[]> {
  const ips = [...podOf].flatMap(([ip, pod]) => (live.podUids.has(pod) ? [] : [ip]));
  const rows = await query<AddressRow>("SELECT * FROM ipam_addresses WHERE ip = ANY($1::inet[])", [ips]);
  return rows.filter((row) => row.pod_uid === podOf.get(row.ip)).map(recordOfRow);
}

function differenceOf(row: AddressRow, leak: Leak | undefined) {
  if (leak === undefined) return [];
  const instance = leak.record.owner?.name ?? null;
  const detail = {
    "abandoned-reservation": "was reserved for an instance that does not exist; released",
    "vanished-pod": "was bound to a pod that does not exist; held now",
    orphan: "is held for an instance that does not exist and that nobody retired; release it by hand if that is right",
  }[leak.kind];
  return [{ kind: leak.kind, ip: row.ip, host: "", instance, scope: scopeOfRow(row), detail: `${row.ip} ${detail}` }];
}
