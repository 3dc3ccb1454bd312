import { ipv4RangesOverlap, sizeOfIpv4Range, type Ipv4Address, type Ipv4Range } from "@wcs/core/ipv4";
import { createAddressSet } from "./address-set.ts";

/** Smallest and largest number of addresses of one block. */
export const blockSizes = { least: 4, most: 256 } as const;

/**
 * The block of a dynamic range to grant next, or null when no run of addresses is long enough. `taken`: blocks that are granted
 * already; `avoid`: single addresses that somebody has (a VM, the gateway, one in conflict). The smallest run that fits is used, at its
 * low end, so that long runs stay for later; among equals the lowest. When no run of `size` is left, the longest of at least
 * `blockSizes.least` does: a host with few addresses is better than one with none.
 */
export function chooseBlock(
  use: Readonly<{ range: Ipv4Range; taken: readonly Ipv4Range[]; avoid: Iterable<Ipv4Address> }>,
  size: number,
): Ipv4Range | null {
  const runs = freeRuns(use);
  const fitting = runs.filter((run) => sizeOfIpv4Range(run) >= size);
  const smallest = fitting.toSorted((a, b) => sizeOfIpv4Range(a) - sizeOfIpv4Range(b) || a.first - b.first)[0];
  if (smallest !== undefined) return { first: smallest.first, last: smallest.first + size - 1 };
  const longest = runs.toSorted((a, b) => sizeOfIpv4Range(b) - sizeOfIpv4Range(a) || a.first - b.first)[0];
  return longest === undefined || sizeOfIpv4Range(longest) < blockSizes.least ? null : longest;
}

/** The runs of addresses that nobody has, in order. */
function freeRuns(
  use: Readonly<{ range: Ipv4Range; taken: readonly Ipv4Range[]; avoid: Iterable<Ipv4Address> }>,
): readonly Ipv4Range[] {
  const { range } = use;
  const set = createAddressSet(range);
  for (const block of use.taken) {
    if (!ipv4RangesOverlap(block, range)) continue;
    const last = Math.min(block.last, range.last);
    for (let address = Math.max(block.first, range.first); address <= last; address += 1) set.add(address);
  }
  for (const address of use.avoid) if (address >= range.first && address <= range.last) set.add(address);
  const runs: Ipv4Range[] = [];
  for (let first = set.nextAbsent(range.first); first !== null;) {
    const end = set.nextPresent(first);
    runs.push({ first, last: end === null ? range.last : end - 1 });
    first = end === null ? null : set.nextAbsent(end);
  }
  return runs;
}
