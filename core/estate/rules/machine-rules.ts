import { formatIpv4Address, formatIpv4Range, parseIpv4Address, type Ipv4Address } from "@wcs/core/ipv4";
import { shownList } from "../faults/estate-fault.ts";
import { findDocument, keyOf, refOfKey, type EstateIndex } from "../model/estate-index.ts";
import { prefixHolds, rangeHolds, type SubnetLayout } from "../model/subnet-layout.ts";
import { tellsOf, type FaultPlace, type KindRules, type RuleContext } from "./rule-context.ts";
import { shownKeys } from "./shown-key.ts";

/** Each address of a host or VM is its own, and lies in a subnet of its rack and the area, outside of what WCS gives out. */
export const machineRules: KindRules<"Host" | "VM"> = (context, machine) => {
  for (const [area, text] of Object.entries(machine.spec.addresses)) {
    const address = parseIpv4Address(text);
    if (address === null) continue;
    const place: FaultPlace = { document: machine, path: ["spec", "addresses", area] };
    checkTaken(context, place, address);
    checkSubnet(context, place, { address, rack: machine.spec.rack, area });
  }
};

function checkTaken(context: RuleContext, place: FaultPlace, address: Ipv4Address): void {
  const others = [...(context.index.machines.get(address) ?? [])].filter(
    (key) => key !== keyOf(place.document) && tellsOf(context, place.document, refOfKey(key)),
  );
  if (others.length === 0) return;
  const values = { address: formatIpv4Address(address), users: shownKeys(context, others) };
  context.report("address-taken", place, values);
}

type Wanted = Readonly<{ address: Ipv4Address; rack: string; area: string }>;

function checkSubnet(context: RuleContext, place: FaultPlace, { address, rack, area }: Wanted): void {
  const { index, report } = context;
  // A missing rack or area has a fault of its own.
  if (index.documents.Rack.get(rack) === undefined || index.documents.Area.get(area) === undefined) return;
  if (context.unreadRacks.has(rack)) return;
  const candidates = subnetsOf(index, rack, area);
  const found = candidates.find(({ layout }) => prefixHolds(layout.prefix, address));
  const shown = formatIpv4Address(address);
  if (found === undefined) {
    const elsewhere = subnetHolding(index, rack, address);
    report("address-outside", place, {
      address: shown,
      rack,
      area,
      where: elsewhere === null ? "" : `; it is in Subnet ${elsewhere.name} of area ${elsewhere.area}`,
      whereZh: elsewhere === null ? "" : `;它属于区域 ${elsewhere.area} 的网段 ${elsewhere.name}`,
      subnets: candidates.length === 0 ? "—" : shownList(candidates.map(({ name, cidr }) => `${name} (${cidr})`)),
    });
    return;
  }
  const { layout, name, cidr } = found;
  if (!rangeHolds(layout.usable, address)) {
    const [first, last] = [formatIpv4Address(layout.usable.first), formatIpv4Address(layout.usable.last)];
    report("address-reserved", place, { address: shown, cidr, first, last });
  }
  if (layout.gateway === address) report("address-is-gateway", place, { address: shown, subnet: name });
  for (const [which, whichZh, range] of [
    ["fixed", "固定", layout.fixed],
    ["dynamic", "动态", layout.dynamic],
  ] as const) {
    if (range === null || !rangeHolds(range, address)) continue;
    report("address-in-range", place, { address: shown, which, whichZh, range: formatIpv4Range(range), subnet: name });
  }
}

type Candidate = Readonly<{ name: string; cidr: string; area: string; layout: SubnetLayout }>;

function subnetsOf(index: EstateIndex, rack: string, area: string | null): readonly Candidate[] {
  const found: Candidate[] = [];
  for (const name of index.rackSubnets.get(rack) ?? []) {
    const spec = findDocument(index, "Subnet", name)?.spec;
    const layout = index.subnets.get(name);
    if (spec === undefined || layout === undefined || (area !== null && spec.area !== area)) continue;
    found.push({ name, cidr: spec.cidr, area: spec.area, layout });
  }
  return found;
}

function subnetHolding(index: EstateIndex, rack: string, address: Ipv4Address): Candidate | null {
  return subnetsOf(index, rack, null).find(({ layout }) => prefixHolds(layout.prefix, address)) ?? null;
}
