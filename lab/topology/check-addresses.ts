import type { CheckFault } from "./check-topology.ts";
import { contains, formatAddress, overlaps, parseAddress, parseNetwork, parseRange, type Network } from "./ipv4.ts";
import type { YamlPath } from "./load-topology.ts";
import type { Topology } from "./schema.ts";

/** Every network that a topology names, with its place in the file. */
export function networksOf(topology: Topology): (Network & { path: YamlPath; cidr: string })[] {
  const all: { path: YamlPath; cidr: string }[] = [
    { path: ["transit"], cidr: topology.transit },
    { path: ["outside", "cidr"], cidr: topology.outside.cidr },
    ...topology.idcs.map((idc, index) => ({ path: ["idcs", index, "management", "cidr"], cidr: idc.management.cidr })),
    ...topology.racks.flatMap((rack, index) =>
      rack.subnets.map((subnet, at) => ({ path: ["racks", index, "subnets", at, "cidr"], cidr: subnet.cidr })),
    ),
    ...topology.clusters.map((cluster, index) => ({ path: ["clusters", index, "services"], cidr: cluster.services })),
  ];
  return all.flatMap((each) => {
    const network = parseNetwork(each.cidr);
    return network === null ? [] : [{ ...each, ...network }];
  });
}

/** Addresses lie in the network that they belong to, are there once, and are in no range. Ranges lie in their subnet. */
export function checkAddresses(topology: Topology): CheckFault[] {
  const faults: CheckFault[] = [];
  const taken = new Map<string, string>();
  const once = (path: YamlPath, address: string) => {
    const other = taken.get(address);
    if (other !== undefined) faults.push({ path, reason: `${address} is taken by ${other}` });
    else taken.set(address, path.join("."));
  };
  /** `cidr`: where the address has to lie, and whose network that is. */
  const place = (path: YamlPath, address: string, { cidr, name }: { cidr: string; name: string }) => {
    once(path, address);
    const network = parseNetwork(cidr);
    const value = parseAddress(address) ?? -1;
    if (network === null) return;
    if (!contains(network, value)) faults.push({ path, reason: `${address} is outside ${cidr} (${name})` });
    else if (value === network.base || value === network.last) {
      faults.push({ path, reason: `${address} is the network or broadcast address of ${cidr} (${name})` });
    }
  };
  const outside = parseNetwork(topology.outside.cidr);
  topology.idcs.forEach((idc, index) => {
    const address = formatAddress((outside?.base ?? 0) + index + 1);
    taken.set(address, `the firewall of ${idc.name}, which the lab puts there`);
  });
  place(["outside", "address"], topology.outside.address, { cidr: topology.outside.cidr, name: "outside" });
  for (const [index, idc] of topology.idcs.entries()) {
    const { cidr, gateway } = idc.management;
    place(["idcs", index, "management", "gateway"], gateway, { cidr, name: `management of ${idc.name}` });
  }
  for (const [index, rack] of topology.racks.entries()) {
    for (const [at, subnet] of rack.subnets.entries()) {
      place(["racks", index, "subnets", at, "gateway"], subnet.gateway, {
        cidr: subnet.cidr,
        name: `rack ${rack.name}`,
      });
    }
  }
  const managed = [
    ...topology.clusters.map((cluster, index) => ({ path: ["clusters", index, "address"], ...cluster })),
    { path: ["registry", "address"], ...topology.registry },
  ];
  for (const { path, address, idc } of managed) {
    const home = topology.idcs.find((candidate) => candidate.name === idc);
    if (home !== undefined) place(path, address, { cidr: home.management.cidr, name: `management of ${idc}` });
  }
  const machines = [
    ...topology.hosts.flatMap((host, index) =>
      Object.entries(host.addresses).map(([area, address]) => ({
        path: ["hosts", index, "addresses", area],
        rack: host.rack,
        area,
        address,
      })),
    ),
    ...topology.vms.map((vm, index) => ({
      path: ["vms", index, "address"],
      rack: vm.rack,
      area: vm.area,
      address: vm.address,
    })),
  ];
  for (const { path, rack: rackName, area, address } of machines) {
    const rack = topology.racks.find((candidate) => candidate.name === rackName);
    const subnet = rack?.subnets.find((candidate) => candidate.area === area);
    if (rack !== undefined && subnet === undefined) {
      faults.push({ path, reason: `rack ${rack.name} has no subnet in ${area}` });
    }
    if (rack === undefined || subnet === undefined) once(path, address);
    else place(path, address, { cidr: subnet.cidr, name: `rack ${rack.name}, ${area}` });
  }
  return [...faults, ...checkRanges(topology, taken)];
}

function checkRanges(topology: Topology, taken: ReadonlyMap<string, string>): CheckFault[] {
  const faults: CheckFault[] = [];
  for (const [index, rack] of topology.racks.entries()) {
    for (const [at, subnet] of rack.subnets.entries()) {
      const network = parseNetwork(subnet.cidr);
      const fixed = parseRange(subnet.fixed);
      const dynamic = parseRange(subnet.dynamic);
      if (network === null || fixed === null || dynamic === null) continue;
      const path = (field: string) => ["racks", index, "subnets", at, field];
      for (const [field, range] of [
        ["fixed", fixed],
        ["dynamic", dynamic],
      ] as const) {
        if (range.first <= network.base || range.last >= network.last) {
          faults.push({ path: path(field), reason: `${subnet[field]} is not inside ${subnet.cidr}` });
        }
        for (const [address, owner] of taken) {
          const value = parseAddress(address) ?? -1;
          if (value >= range.first && value <= range.last) {
            faults.push({ path: path(field), reason: `${subnet[field]} contains ${address}, which is ${owner}` });
          }
        }
      }
      if (overlaps({ base: fixed.first, last: fixed.last }, { base: dynamic.first, last: dynamic.last })) {
        faults.push({ path: path("dynamic"), reason: `${subnet.dynamic} overlaps the fixed range ${subnet.fixed}` });
      }
      const hosts = topology.hosts.filter((host) => host.rack === rack.name && subnet.area in host.addresses).length;
      if (dynamic.last - dynamic.first + 1 < hosts) {
        faults.push({
          path: path("dynamic"),
          reason: `${subnet.dynamic} has fewer addresses than the rack has hosts (${hosts})`,
        });
      }
    }
  }
  return faults;
}
