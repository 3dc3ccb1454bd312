import type { Ipv4Address, Ipv4Range } from "@wcs/core/ipv4";
import { sizeOfIpv4Range } from "@wcs/core/ipv4";

/** A set of addresses of one range, a bit each: 8 KiB for a /16. */
export type AddressSet = Readonly<{
  range: Ipv4Range;
  add: (address: Ipv4Address) => void;
  has: (address: Ipv4Address) => boolean;
  /** The lowest address at or after `from` that is not in the set, or null. Whole words are skipped. */
  nextAbsent: (from: Ipv4Address) => Ipv4Address | null;
  /** The lowest address at or after `from` that is in the set, or null. */
  nextPresent: (from: Ipv4Address) => Ipv4Address | null;
  size: () => number;
}>;

const wordBits = 32;
const fullWord = 0xffff_ffff;

/** An empty set. Addresses outside `range` are never in it, and adding one throws a RangeError. */
export function createAddressSet(range: Ipv4Range): AddressSet {
  const count = sizeOfIpv4Range(range);
  const words = new Uint32Array(Math.ceil(count / wordBits));
  let size = 0;
  const next = (from: Ipv4Address, flip: number): Ipv4Address | null => {
    const start = Math.max(0, from - range.first);
    for (let index = start >>> 5; index < words.length; index += 1) {
      const below = index === start >>> 5 ? (fullWord << (start & 31)) >>> 0 : fullWord;
      const bits = (((words[index] ?? 0) ^ flip) & below) >>> 0;
      if (bits === 0) continue;
      const offset = index * wordBits + 31 - Math.clz32(bits & -bits);
      return offset < count ? range.first + offset : null;
    }
    return null;
  };
  return {
    range,
    add: (address) => {
      const offset = address - range.first;
      if (offset < 0 || offset >= count) {
        throw new RangeError(`address ${address} is not in ${range.first}-${range.last}`);
      }
      const before = words[offset >>> 5] ?? 0;
      const after = (before | (1 << (offset & 31))) >>> 0;
      if (before !== after) size += 1;
      words[offset >>> 5] = after;
    },
    has: (address) => {
      const offset = address - range.first;
      return offset >= 0 && offset < count && (((words[offset >>> 5] ?? 0) >>> (offset & 31)) & 1) === 1;
    },
    nextAbsent: (from) => next(from, fullWord),
    nextPresent: (from) => next(from, 0),
    size: () => size,
  };
}
