export { formatIpv4Address, ipv4AddressPattern, parseIpv4Address, type Ipv4Address } from "./ipv4-address.ts";
export {
  formatIpv4Prefix,
  ipv4PrefixesOverlap,
  isHostOfIpv4Prefix,
  lastOfIpv4Prefix,
  parseIpv4Interface,
  parseIpv4Prefix,
  type Ipv4Prefix,
} from "./ipv4-prefix.ts";
export { formatIpv4Range, ipv4RangesOverlap, parseIpv4Range, sizeOfIpv4Range, type Ipv4Range } from "./ipv4-range.ts";
