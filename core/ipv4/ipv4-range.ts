import { formatIpv4Address, parseIpv4Address, type Ipv4Address } from "./ipv4-address.ts";

/** All addresses from `first` to `last`, both included. */
export type Ipv4Range = Readonly<{ first: Ipv4Address; last: Ipv4Address }>;

/** The range that `text` (`10.71.1.100-10.71.1.199`) names, or null when it is not one or ends before it starts. */
export function parseIpv4Range(text: string): Ipv4Range | null {
  const [firstText = "", lastText = "", ...rest] = text.split("-");
  const first = parseIpv4Address(firstText);
  const last = parseIpv4Address(lastText);
  if (first === null || last === null || rest.length > 0 || first > last) return null;
  return { first, last };
}

/** `10.71.1.100-10.71.1.199`. */
export function formatIpv4Range(range: Ipv4Range): string {
  return `${formatIpv4Address(range.first)}-${formatIpv4Address(range.last)}`;
}

/** How many addresses the range holds. */
export function sizeOfIpv4Range(range: Ipv4Range): number {
  return range.last - range.first + 1;
}

/** Whether the ranges share an address. */
export function ipv4RangesOverlap(a: Ipv4Range, b: Ipv4Range): boolean {
  return a.first <= b.last && b.first <= a.last;
}
