import { parseMemoryMiB } from "../host/capacity.ts";
import { addressesOf, areasOf, clusterOf } from "./find.ts";
import type { Topology } from "./schema.ts";

/** A document of estate data, as WCS's `core/estate` defines its kinds. */
export type EstateDocument = Readonly<{
  kind: string;
  name: string;
  title?: string;
  spec?: Readonly<Record<string, unknown>>;
}>;

/** The documents in which a platform is told of this topology, those first that others refer to. */
export function estateOf(topology: Topology): EstateDocument[] {
  const written = (kind: string): EstateDocument[] =>
    (topology.estate ?? []).filter((document) => document.kind === kind);
  return [
    ...topology.cities.map((city) => ({ kind: "City", name: city.name })),
    ...topology.idcs.map((idc) => ({ kind: "IDC", name: idc.name, spec: { city: idc.city } })),
    ...areasOf(topology).map((area) => ({
      kind: "Area",
      name: area,
      spec: area === "core" ? { external: false, prefixes: corePrefixes(topology) } : { external: true },
    })),
    ...topology.racks.map((rack) => ({ kind: "Rack", name: rack.name, spec: { idc: rack.idc } })),
    ...topology.racks.flatMap((rack) =>
      rack.subnets.map((subnet) => ({
        kind: "Subnet",
        name: `${rack.name}-${subnet.area}`,
        spec: { rack: rack.name, ...subnet },
      })),
    ),
    ...["Environment", "Business", "Person", "System", "Subsystem", "Class"].flatMap(written),
    ...topology.clusters.map((cluster) => ({
      kind: "Cluster",
      name: cluster.name,
      spec: { idc: cluster.idc, environment: cluster.environment },
    })),
    ...written("Pool"),
    ...topology.hosts.map((host) => ({
      kind: "Host",
      name: host.name,
      spec: {
        rack: host.rack,
        addresses: Object.fromEntries(addressesOf(host)),
        capacity: { cpuMilli: host.cpu * 1000, memoryMiB: parseMemoryMiB(host.memory) },
        cluster: clusterOf(topology, host.name).name,
        ...(host.pool === undefined ? {} : { pool: host.pool }),
      },
    })),
    ...["DCNGroup", "DCN"].flatMap(written),
    ...topology.vms.map((vm) => ({
      kind: "VM",
      name: vm.name,
      spec: {
        rack: vm.rack,
        addresses: { [vm.area]: vm.address },
        cpuMilli: vm.cpu * 1000,
        memoryMiB: parseMemoryMiB(vm.memory),
        ...(vm.subsystem === undefined ? {} : { subsystem: vm.subsystem }),
        ...(vm.dcn === undefined ? {} : { dcn: vm.dcn }),
      },
    })),
  ];
}

/** What an instance with NICs in several areas reaches by its core one: racks, control planes and their services, the registry. */
function corePrefixes(topology: Topology): string[] {
  const racks = topology.racks.flatMap(({ subnets }) => subnets.filter(({ area }) => area === "core"));
  const single = [...topology.clusters.map(({ address }) => address), topology.registry.address];
  return [
    ...racks.map(({ cidr }) => cidr),
    ...topology.clusters.map(({ services }) => services),
    ...single.map((address) => `${address}/32`),
  ];
}
