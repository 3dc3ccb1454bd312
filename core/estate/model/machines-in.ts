import type { Ipv4Address } from "@wcs/core/ipv4";
import type { EstateDocument } from "../estate-document.ts";
import { addressesOf, findDocument, keyOf, refOfKey, type EstateIndex } from "./estate-index.ts";
import { prefixHolds, subnetLayout } from "./subnet-layout.ts";

/** The hosts and VMs of the subnet's rack with an address in its network, by key, in the order of their addresses. */
export function machinesIn(
  index: EstateIndex,
  subnet: EstateDocument<"Subnet">,
): readonly Readonly<{ key: string; address: Ipv4Address }>[] {
  const { prefix } = subnetLayout(subnet);
  const found: { key: string; address: Ipv4Address }[] = [];
  for (const key of index.referrers.get(keyOf({ kind: "Rack", name: subnet.spec.rack })) ?? []) {
    const { kind, name } = refOfKey(key);
    if (kind !== "Host" && kind !== "VM") continue;
    const machine = findDocument(index, kind, name);
    if (machine === undefined) continue;
    for (const address of addressesOf(machine)) if (prefixHolds(prefix, address)) found.push({ key, address });
  }
  return found.sort((a, b) => a.address - b.address);
}
