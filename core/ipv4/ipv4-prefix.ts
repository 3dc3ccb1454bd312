import { formatIpv4Address, parseIpv4Address, type Ipv4Address } from "./ipv4-address.ts";

/** A CIDR block: `first` is its lowest address. */
export type Ipv4Prefix = Readonly<{ first: Ipv4Address; length: number }>;

/** The block that `text` (`10.0.0.0/8`) names, or null when it is not one or has bits set behind the prefix. */
export function parseIpv4Prefix(text: string): Ipv4Prefix | null {
  const parsed = parseIpv4Interface(text);
  return parsed === null || parsed.address !== parsed.prefix.first ? null : parsed.prefix;
}

/** An address with its block, as an interface carries it (`10.71.1.100/24`), or null. */
export function parseIpv4Interface(text: string): Readonly<{ address: Ipv4Address; prefix: Ipv4Prefix }> | null {
  const [addressText = "", lengthText = "", ...rest] = text.split("/");
  const address = parseIpv4Address(addressText);
  if (address === null || rest.length > 0 || !/^(?:\d|[12]\d|3[0-2])$/.test(lengthText)) return null;
  const length = Number(lengthText);
  return { address, prefix: { first: (address & mask(length)) >>> 0, length } };
}

/** `10.0.0.0/8`. */
export function formatIpv4Prefix(prefix: Ipv4Prefix): string {
  return `${formatIpv4Address(prefix.first)}/${prefix.length}`;
}

/** The highest address of the block: its broadcast address where it has one. */
export function lastOfIpv4Prefix(prefix: Ipv4Prefix): Ipv4Address {
  return (prefix.first | ~mask(prefix.length)) >>> 0;
}

/** Whether a host may have `address` in the block: inside, and neither network nor broadcast address (RFC 3021: a /31 has neither). */
export function isHostOfIpv4Prefix(address: Ipv4Address, prefix: Ipv4Prefix): boolean {
  const last = lastOfIpv4Prefix(prefix);
  if (address < prefix.first || address > last) return false;
  return prefix.length >= 31 || (address !== prefix.first && address !== last);
}

/** Whether the blocks share an address: one holds the other, or they are equal. */
export function ipv4PrefixesOverlap(a: Ipv4Prefix, b: Ipv4Prefix): boolean {
  return a.first <= lastOfIpv4Prefix(b) && b.first <= lastOfIpv4Prefix(a);
}

// A shift by 32 is a shift by 0 in ECMAScript.
function mask(length: number): number {
  return length === 0 ? 0 : (-1 << (32 - length)) >>> 0;
}
