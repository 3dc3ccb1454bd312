import {
  composeNics,
  renewAddress,
  retireAddress,
  unbindAddress,
  type NetworkAnnotation,
  type NicFacts,
} from "@wcs/core/ipam";
import { Failure } from "../http/failure.ts";
import type { Query, Row } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";
import { addressOfText, type AddressRow } from "./address-row.ts";
import {
  changeAddresses,
  databaseNowMs,
  lockAddresses,
  nextGeneration,
  type AddressChanges,
} from "./change-addresses.ts";
import { releasePoliciesOf } from "./release-policies.ts";

type NicRow = Row &
  Readonly<{
    ip: string;
    owner: string;
    nic: string;
    generation: number;
    area: string;
    network: string;
    gateway: string;
    conflict_probe: boolean;
    external: boolean;
    prefixes: readonly string[];
  }>;

/** What each instance's `wcs.io/network` annotation has to say now. An instance without addresses is not in the map. */
export async function networkAnnotationsOf(
  query: Query,
  instances: readonly string[],
): Promise<ReadonlyMap<string, NetworkAnnotation>> {
  const rows = await query<NicRow>(
    `SELECT a.ip, a.owner, a.nic, a.generation, s.area, s.network, s.gateway, s.conflict_probe, r.external, r.prefixes
     FROM ipam_addresses a JOIN ipam_subnets s ON s.name = a.subnet JOIN ipam_areas r ON r.name = s.area
     WHERE a.owner_kind = 'instance' AND a.owner = ANY($1) AND NOT a.retired`,
    [instances],
  );
  return new Map(
    [...Map.groupBy(rows, (row) => row.owner)].map(([instance, nics]) => {
      const generation = Math.max(...nics.map((row) => row.generation));
      return [instance, { instance, generation, nics: composeNics(nics.map(factsOf)) }];
    }),
  );
}

function factsOf(row: NicRow): NicFacts {
  const { nic: name, area, external, prefixes, network: cidr, gateway, conflict_probe: conflictProbe } = row;
  return { name, area, external, prefixes, address: addressOfText(row.ip), cidr, gateway, conflictProbe };
}

/**
 * A new generation for the instances' addresses: before a move to another host, or when what runs of them is no longer trusted. Pods of
 * the old generation are refused from then on, so the caller has made sure that the old pod is gone. The addresses stay.
 */
export async function renewInstances(tx: Transaction, instances: readonly string[]): Promise<readonly AddressRow[]> {
  const locked = await lockLiving(tx, instances);
  const generation = await nextGeneration(tx);
  return allOrNone(
    await changeAddresses(tx, locked, (record) => {
      if (record.owner === null) throw new Error("a row found by its owner has one");
      const expectedGeneration = record.generation;
      return { transition: renewAddress(record, { owner: record.owner, expectedGeneration, generation }) };
    }),
  );
}

/**
 * The instances are gone for good: their addresses wait as the subsystem's policy says, then cool down. Throws `ipam.refused` while a
 * pod has one of them. Told again, nothing changes.
 */
export async function retireInstances(tx: Transaction, instances: readonly string[]): Promise<readonly AddressRow[]> {
  const locked = await lockLiving(tx, instances);
  const policyOf = await releasePoliciesOf(
    tx.query,
    locked.map(({ subsystem }) => subsystem),
  );
  const nowMs = await databaseNowMs(tx.query);
  return allOrNone(
    await changeAddresses(tx, locked, (record, row) => {
      if (record.owner === null) throw new Error("a row found by its owner has one");
      const options = {
        owner: record.owner,
        expectedGeneration: record.generation,
        policy: policyOf(row.subsystem),
        nowMs,
      };
      return { transition: retireAddress(record, options) };
    }),
  );
}

/** A whole pod is known to be gone (Kubernetes says so, or its host is): what it had is held. An address that another pod has is left alone. */
export async function letGoOfPods(tx: Transaction, podUids: readonly string[]): Promise<readonly AddressRow[]> {
  const locked = await lockAddresses(tx.query, "pod_uid = ANY($1)", [podUids]);
  const { rows } = await changeAddresses(tx, locked, (record, row) => ({
    transition: unbindAddress(record, { podUid: row.pod_uid ?? "", containerId: null }),
  }));
  return rows;
}

function lockLiving(tx: Transaction, instances: readonly string[]): Promise<readonly AddressRow[]> {
  return lockAddresses(tx.query, "owner_kind = 'instance' AND owner = ANY($1) AND NOT retired", [instances]);
}

function allOrNone({ rows, refusals }: AddressChanges): readonly AddressRow[] {
  if (refusals.length === 0) return rows;
  const errors = refusals.map(({ ip, refusal }) => ({
    kind: "IP",
    name: ip,
    code: refusal.code,
    message: refusal.detail,
  }));
  throw new Failure("ipam.refused", refusals[0]?.refusal.detail ?? "", { errors });
}
