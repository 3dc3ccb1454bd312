import * as fc from "fast-check";
import { formatIpv4Address, formatIpv4Prefix, parseIpv4Interface } from "@wcs/core/ipv4";
import { macOfAddress } from "../mac-of-address.ts";
import type { NetworkAnnotation, NetworkNic } from "../network-annotation.ts";

const prefix = fc
  .tuple(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 1, max: 32 }))
  .map(([address, length]) => parseIpv4Interface(`${formatIpv4Address(address)}/${length}`))
  .map((parsed) => (parsed === null ? "10.0.0.0/8" : formatIpv4Prefix(parsed.prefix)));

/** NIC `index`, in the subnet 10.<index>.0.0/24, so that no two share one. */
function arbitraryNic(index: number, defaultRoute: boolean): fc.Arbitrary<NetworkNic> {
  return fc
    .record({
      host: fc.integer({ min: 1, max: 253 }),
      area: fc.constantFrom("core", "dmz", "ecn"),
      prefixes: fc.uniqueArray(prefix, { maxLength: 4 }),
      routes: fc.uniqueArray(prefix, { maxLength: 4 }),
      conflictProbe: fc.boolean(),
    })
    .map(({ host, area, prefixes, routes, conflictProbe }) => {
      const gateway = `10.${index}.0.254`;
      const address = 10 * 2 ** 24 + index * 2 ** 16 + host;
      return {
        name: `eth${index}`,
        area,
        address: `${formatIpv4Address(address)}/24`,
        mac: macOfAddress(address),
        gateway,
        defaultRoute,
        internalPrefixes: defaultRoute ? [] : prefixes.toSorted(),
        routes: routes.toSorted().map((to) => ({ to, via: gateway })),
        conflictProbe,
      };
    });
}

/** Any annotation that holds all rules, its lists in order. */
export const arbitraryNetworkAnnotation: fc.Arbitrary<NetworkAnnotation> = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.nat({ max: 3 }))
  .chain(([count, outside]) =>
    fc.record({
      instance: fc.stringMatching(/^[a-z0-9]{1,20}(?:-[a-z0-9]{1,10}){0,3}$/),
      generation: fc.integer({ min: 1 }),
      nics: fc.tuple(...Array.from({ length: count }, (_, index) => arbitraryNic(index, index === outside % count))),
    }),
  )
  .filter(({ nics }) => {
    const all = nics.flatMap((nic) => nic.internalPrefixes);
    const routes = nics.flatMap((nic) => nic.routes.map((route) => route.to));
    return new Set(all).size === all.length && new Set(routes).size === routes.length;
  });
