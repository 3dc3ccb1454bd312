import { formatIpv4Address, formatIpv4Range, ipv4RangesOverlap, type Ipv4Range } from "@wcs/core/ipv4";
import { shownList } from "../faults/estate-fault.ts";
import { findDocument } from "../model/estate-index.ts";
import { machinesIn } from "../model/machines-in.ts";
import { overlappingPrefixes } from "../model/prefix-tree.ts";
import { rangeHolds, subnetLayout } from "../model/subnet-layout.ts";
import { shownKey, shownKeys } from "./shown-key.ts";
import { tellsOf, type KindRules } from "./rule-context.ts";

/** A subnet's network is its own; its gateway and ranges lie in it, apart from each other and from machines' addresses. */
export const subnetRules: KindRules<"Subnet"> = (context, subnet) => {
  const { index, report } = context;
  const layout = subnetLayout(subnet);
  const { cidr, gateway } = subnet.spec;
  const place = (field: string) => ({ document: subnet, path: ["spec", field] });
  const usable = { cidr, first: formatIpv4Address(layout.usable.first), last: formatIpv4Address(layout.usable.last) };

  const others = overlappingPrefixes(index.networks, layout.prefix)
    .filter((name) => name !== subnet.name && tellsOf(context, subnet, { kind: "Subnet", name }))
    .map((name) => `Subnet ${name} (${findDocument(index, "Subnet", name)?.spec.cidr ?? "?"})`);
  if (others.length > 0) report("cidr-overlaps", place("cidr"), { cidr, others: shownList(others) });

  if (!rangeHolds(layout.usable, layout.gateway)) {
    report("gateway-outside", place("gateway"), { address: gateway, ...usable });
  }

  const machines = machinesIn(index, subnet).filter(({ key }) => !context.changes.has(key));
  const atGateway = machines.filter(({ address }) => address === layout.gateway).map(({ key }) => key);
  if (atGateway.length > 0) {
    report("gateway-taken", place("gateway"), { address: gateway, users: shownKeys(context, atGateway) });
  }

  const ranges = [
    ["fixed", "固定", layout.fixed],
    ["dynamic", "动态", layout.dynamic],
  ] as const;
  for (const [which, whichZh, range] of ranges) {
    if (range === null) continue;
    const words = { which, whichZh, range: formatIpv4Range(range) };
    if (!within(layout.usable, range)) {
      report("range-outside", place(which), { ...words, ...usable });
      continue;
    }
    if (rangeHolds(range, layout.gateway)) report("gateway-in-range", place(which), { ...words, address: gateway });
    const inside = machines
      .filter(({ address }) => rangeHolds(range, address))
      .map(({ key, address }) => `${shownKey(key)} (${formatIpv4Address(address)})`);
    if (inside.length > 0) report("range-holds-addresses", place(which), { ...words, users: shownList(inside) });
  }
  if (layout.fixed !== null && layout.dynamic !== null && ipv4RangesOverlap(layout.fixed, layout.dynamic)) {
    const words = { range: formatIpv4Range(layout.dynamic), other: formatIpv4Range(layout.fixed) };
    report("ranges-overlap", place("dynamic"), words);
  }
};

function within(outer: Ipv4Range, inner: Ipv4Range): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}
