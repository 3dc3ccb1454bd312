import {
  isHostOfIpv4Prefix,
  lastOfIpv4Prefix,
  parseIpv4Address,
  parseIpv4Prefix,
  parseIpv4Range,
  type Ipv4Address,
  type Ipv4Prefix,
  type Ipv4Range,
} from "@wcs/core/ipv4";
import type { EstateDocument } from "../estate-document.ts";

/** A subnet's addresses as numbers. `usable`: what machines may have, without network and broadcast address. */
export type SubnetLayout = Readonly<{
  prefix: Ipv4Prefix;
  usable: Ipv4Range;
  gateway: Ipv4Address;
  fixed: Ipv4Range | null;
  dynamic: Ipv4Range | null;
}>;

/** Reads the addresses of a subnet that its schema accepted. */
export function subnetLayout(subnet: EstateDocument<"Subnet">): SubnetLayout {
  const { cidr, gateway, fixed, dynamic } = subnet.spec;
  const prefix = parseIpv4Prefix(cidr);
  const gatewayAddress = parseIpv4Address(gateway);
  if (prefix === null || gatewayAddress === null) throw new TypeError(`subnet ${subnet.name} was not checked`);
  const last = lastOfIpv4Prefix(prefix);
  const whole = isHostOfIpv4Prefix(prefix.first, prefix);
  return {
    prefix,
    usable: whole ? { first: prefix.first, last } : { first: prefix.first + 1, last: last - 1 },
    gateway: gatewayAddress,
    fixed: fixed === undefined ? null : parseIpv4Range(fixed),
    dynamic: dynamic === undefined ? null : parseIpv4Range(dynamic),
  };
}

/** Whether the range holds the address. */
export function rangeHolds(range: Readonly<{ first: number; last: number }> | null, address: Ipv4Address): boolean {
  return range !== null && range.first <= address && address <= range.last;
}

/** Whether the network holds the address, its ends included. */
export function prefixHolds(prefix: Ipv4Prefix, address: Ipv4Address): boolean {
  return prefix.first <= address && address <= lastOfIpv4Prefix(prefix);
}
