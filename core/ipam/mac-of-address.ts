import type { Ipv4Address } from "@wcs/core/ipv4";

/** What every MAC of WCS starts with: locally administered, unicast (IEEE 802: the two low bits of the first byte are 10). */
export const macPrefix = "02:57";

/** The MAC that goes with an address for ever, so that a neighbour's ARP entry stays true wherever the instance runs. */
export function macOfAddress(address: Ipv4Address): string {
  const bytes = [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255];
  return [macPrefix, ...bytes.map((byte) => byte.toString(16).padStart(2, "0"))].join(":");
}
