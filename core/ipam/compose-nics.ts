import { formatIpv4Address, parseIpv4Prefix, type Ipv4Address } from "@wcs/core/ipv4";
import { macOfAddress } from "./mac-of-address.ts";
import type { NetworkNic } from "./network-annotation.ts";

/** What the ledger and the estate know of one NIC. `external` and `prefixes` are of its area. */
export type NicFacts = Readonly<{
  name: string;
  area: string;
  external: boolean;
  prefixes: readonly string[];
  address: Ipv4Address;
  cidr: string;
  gateway: string;
  conflictProbe: boolean;
}>;

/**
 * The NICs of an instance, in the order of their names. The default route leaves by the first external NIC, or by the first of all where
 * none is external; every other NIC carries the prefixes of its area.
 */
export function composeNics(facts: readonly NicFacts[]): readonly NetworkNic[] {
  const ordered = facts.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const outward = ordered.find((nic) => nic.external) ?? ordered[0];
  return ordered.map((nic) => ({
    name: nic.name,
    area: nic.area,
    address: `${formatIpv4Address(nic.address)}/${lengthOf(nic.cidr)}`,
    mac: macOfAddress(nic.address),
    gateway: nic.gateway,
    defaultRoute: nic === outward,
    internalPrefixes: nic === outward ? [] : nic.prefixes.toSorted(),
    routes: [],
    conflictProbe: nic.conflictProbe,
  }));
}

function lengthOf(cidr: string): number {
  const prefix = parseIpv4Prefix(cidr);
  if (prefix === null) throw new TypeError(`${cidr} is not an IPv4 prefix`);
  return prefix.length;
}
