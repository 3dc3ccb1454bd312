import { parseIpv4Address, type Ipv4Address } from "@wcs/core/ipv4";
import type { EstateDocument, EstateRef } from "../estate-document.ts";
import { estateKindNames, type EstateKind } from "../kinds/estate-kinds.ts";
import { addPrefix, createPrefixTree, removePrefix, type PrefixTree } from "./prefix-tree.ts";
import { referencesOf } from "./references-of.ts";
import { subnetLayout, type SubnetLayout } from "./subnet-layout.ts";

/** What the hosts of a pool have together. */
export type PoolCapacity = Readonly<{ hosts: number; cpuMilli: number; memoryMiB: number }>;

/**
 * The whole estate with what the rules look up: a change costs what it touches, not what there is. Only `putDocument` and
 * `removeDocument` change it.
 */
export type EstateIndex = Readonly<{
  documents: Readonly<Record<EstateKind, Map<string, EstateDocument>>>;
  /** Of a document's key: the keys of those that name it. */
  referrers: Map<string, Set<string>>;
  subnets: Map<string, SubnetLayout>;
  /** Of a rack's name: the names of its subnets. */
  rackSubnets: Map<string, Set<string>>;
  networks: PrefixTree;
  /** Of an address: the keys of the hosts and VMs that have it. */
  machines: Map<Ipv4Address, Set<string>>;
  /** Of a gateway's address: the names of the subnets. */
  gateways: Map<Ipv4Address, Set<string>>;
  pools: Map<string, PoolCapacity>;
}>;

/** An index of the documents, which must have been checked. */
export function createEstateIndex(documents: Iterable<EstateDocument> = []): EstateIndex {
  const index: EstateIndex = {
    documents: Object.fromEntries(
      estateKindNames.map((kind) => [kind, new Map<string, EstateDocument>()]),
    ) as unknown as EstateIndex["documents"],
    referrers: new Map(),
    subnets: new Map(),
    rackSubnets: new Map(),
    networks: createPrefixTree(),
    machines: new Map(),
    gateways: new Map(),
    pools: new Map(),
  };
  for (const document of documents) putDocument(index, document);
  return index;
}

/** The key of a document in the index. */
export function keyOf(ref: EstateRef): string {
  return `${ref.kind}/${ref.name}`;
}

/** The document that a key names. */
export function refOfKey(key: string): EstateRef {
  const at = key.indexOf("/");
  return { kind: key.slice(0, at) as EstateKind, name: key.slice(at + 1) };
}

/** The document of a kind and name, if there is one. */
export function findDocument<K extends EstateKind>(
  index: EstateIndex,
  kind: K,
  name: string,
): EstateDocument<K> | undefined {
  return index.documents[kind].get(name) as EstateDocument<K> | undefined;
}

/** The documents of one kind that name a document. */
export function referrersOf<K extends EstateKind>(
  index: EstateIndex,
  ref: EstateRef,
  kind: K,
): readonly EstateDocument<K>[] {
  const found: EstateDocument<K>[] = [];
  for (const key of index.referrers.get(keyOf(ref)) ?? []) {
    const referrer = refOfKey(key);
    const document = referrer.kind === kind ? findDocument(index, kind, referrer.name) : undefined;
    if (document !== undefined) found.push(document);
  }
  return found;
}

/** Adds a document, or puts it in the place of the one of its kind and name. */
export function putDocument(index: EstateIndex, document: EstateDocument): void {
  removeDocument(index, document);
  index.documents[document.kind].set(document.name, document);
  const key = keyOf(document);
  for (const reference of referencesOf(document)) addTo(index.referrers, keyOf(reference), key);
  if (document.kind === "Subnet") {
    const layout = subnetLayout(document);
    index.subnets.set(document.name, layout);
    addTo(index.rackSubnets, document.spec.rack, document.name);
    addPrefix(index.networks, document.name, layout.prefix);
    addTo(index.gateways, layout.gateway, document.name);
  } else if (document.kind === "Host" || document.kind === "VM") {
    for (const address of addressesOf(document)) addTo(index.machines, address, key);
    if (document.kind === "Host") countHost(index, document, 1);
  }
}

/** Takes a document out; nothing happens when it is not there. */
export function removeDocument(index: EstateIndex, ref: EstateRef): void {
  const document: EstateDocument | undefined = index.documents[ref.kind].get(ref.name);
  if (document === undefined) return;
  index.documents[ref.kind].delete(ref.name);
  const key = keyOf(ref);
  for (const reference of referencesOf(document)) takeFrom(index.referrers, keyOf(reference), key);
  if (document.kind === "Subnet") {
    const layout = subnetLayout(document);
    index.subnets.delete(document.name);
    takeFrom(index.rackSubnets, document.spec.rack, document.name);
    removePrefix(index.networks, document.name, layout.prefix);
    takeFrom(index.gateways, layout.gateway, document.name);
  } else if (document.kind === "Host" || document.kind === "VM") {
    for (const address of addressesOf(document)) takeFrom(index.machines, address, key);
    if (document.kind === "Host") countHost(index, document, -1);
  }
}

/** The addresses of a host or VM. */
export function addressesOf(machine: EstateDocument<"Host" | "VM">): readonly Ipv4Address[] {
  return Object.values(machine.spec.addresses)
    .map(parseIpv4Address)
    .filter((address) => address !== null);
}

function countHost(index: EstateIndex, host: EstateDocument<"Host">, sign: 1 | -1): void {
  const { pool, capacity } = host.spec;
  if (pool === undefined) return;
  const before = index.pools.get(pool) ?? { hosts: 0, cpuMilli: 0, memoryMiB: 0 };
  const after = {
    hosts: before.hosts + sign,
    cpuMilli: before.cpuMilli + sign * capacity.cpuMilli,
    memoryMiB: before.memoryMiB + sign * capacity.memoryMiB,
  };
  if (after.hosts === 0) index.pools.delete(pool);
  else index.pools.set(pool, after);
}

function addTo<K>(sets: Map<K, Set<string>>, key: K, item: string): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([item]));
  else set.add(item);
}

function takeFrom<K>(sets: Map<K, Set<string>>, key: K, item: string): void {
  const set = sets.get(key);
  if (set === undefined) return;
  set.delete(item);
  if (set.size === 0) sets.delete(key);
}
