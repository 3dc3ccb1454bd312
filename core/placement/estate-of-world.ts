import { instanceRecord } from "./change-instance.ts";
import type { Estate, HostRecord, OperatingState, SubnetRecord } from "./estate.ts";
import {
  isThere,
  quotaResources,
  resourceCount,
  resources,
  stateCodes,
  subnetsOfInstance,
  type World,
} from "./world.ts";

/** What of a picture is not on a rack. */
export type CommonEstate = Omit<Estate, "subnets" | "hosts" | "instances">;

/** What of a picture is on one rack. */
export type RackEstate = Pick<Estate, "subnets" | "hosts" | "instances">;

const states = Object.keys(stateCodes) as OperatingState[];

/** The records that the picture could be built from again, without what is on racks; in the order of their ids. */
export function commonEstate(world: World): CommonEstate {
  const { clusters, racks, pools, dcns, subsystems, environments } = world;
  const idc = (at: number) => world.idcs.ids[at]!;
  return {
    idcs: list(world.idcs.ids, (id) => ({ id })),
    areas: list(world.areas.ids, (id) => ({ id })),
    clusters: list(clusters.names.ids, (id, at) => ({
      id,
      idc: idc(clusters.idc[at]!),
      environment: environments.ids[clusters.environment[at]!]!,
      state: states[clusters.state[at]!]!,
      stale: clusters.stale[at]!,
    })),
    racks: list(racks.names.ids, (id, at) => ({ id, idc: idc(racks.idc[at]!), state: states[racks.state[at]!]! })),
    pools: list(pools.names.ids, (id, at) => ({
      id,
      environment: environments.ids[pools.environment[at]!]!,
      cpuOvercommitPercent: pools.cpuOvercommitPercent[at]!,
      ...(pools.bigClass[at]! < 0 ? {} : { bigClass: world.classes.names.ids[pools.bigClass[at]!]! }),
      shares: sharesOf(world, at),
    })),
    dcns: list(dcns.names.ids, (id, at) => {
      const only = dcns.clusters[at]!;
      return {
        id,
        group: world.groups.ids[dcns.group[at]!]!,
        idc: idc(dcns.idc[at]!),
        environment: environments.ids[dcns.environment[at]!]!,
        ...(only === null ? {} : { clusters: [...only].map((cluster) => clusters.names.ids[cluster]!).sort() }),
        ...(dcns.databaseRack[at]! < 0 ? {} : { databaseRack: racks.names.ids[dcns.databaseRack[at]!]! }),
      };
    }),
    classes: list(world.classes.names.ids, (_id, at) => world.classes.records[at]!),
    subsystems: list(subsystems.names.ids, (id, at) => ({
      id,
      business: world.businesses.ids[subsystems.business[at]!]!,
      rules: subsystems.rules[at]!,
      ...(subsystems.profile[at]! < 0 ? {} : { profile: world.profiles.ids[subsystems.profile[at]!]! }),
      ...(subsystems.ioHeavy[at] === true ? { ioHeavy: true } : {}),
      ...(subsystems.ioSensitive[at] === true ? { ioSensitive: true } : {}),
    })),
    vms: vmsOf(world),
  };
}

/** The same of what is on the named racks, by rack: subnets, hosts and the instances on them. */
export function rackEstates(world: World, ids: ReadonlySet<string>): ReadonlyMap<string, RackEstate> {
  const { hosts, racks, instances, subnets } = world;
  const wanted = new Set([...ids].map((id) => racks.names.index.get(id) ?? -1));
  const rackOf = (host: number) => hosts.rack[host]!;
  const held = new Int32Array(subnets.names.ids.length);
  const rows = new Map<number, number[]>();
  for (const row of instances.names.values()) {
    for (const subnet of subnetsOfInstance(world, row)) held[subnet]! += 1;
    const rack = rackOf(instances.host[row]!);
    if (wanted.has(rack)) push(rows, rack, row);
  }
  const own = new Map<number, number[]>();
  for (let host = 0; host < hosts.names.ids.length; host += 1) {
    if (isThere(world, host) && wanted.has(rackOf(host))) push(own, rackOf(host), host);
  }
  const networks = new Map<number, number[]>();
  for (const [subnet, rack] of subnets.rack.entries()) if (wanted.has(rack)) push(networks, rack, subnet);
  const estates = new Map<string, RackEstate>();
  for (const rack of wanted) {
    if (rack < 0) continue;
    estates.set(racks.names.ids[rack]!, {
      subnets: ordered((networks.get(rack) ?? []).map((subnet) => subnetOf(world, subnet, held[subnet]!))),
      hosts: ordered((own.get(rack) ?? []).map((host) => hostOf(world, host))),
      instances: ordered((rows.get(rack) ?? []).map((row) => instanceRecord(world, row))),
    });
  }
  return estates;
}

/** The whole estate again. */
export function joinEstate(common: CommonEstate, racks: readonly RackEstate[]): Estate {
  return {
    ...common,
    subnets: racks.flatMap(({ subnets }) => subnets),
    hosts: racks.flatMap(({ hosts }) => hosts),
    instances: racks.flatMap(({ instances }) => instances),
  };
}

function list<T>(ids: readonly string[], record: (id: string, at: number) => T): T[] {
  const sorted = ids.map((id, at) => [id, at] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([id, at]) => record(id, at));
}

function ordered<T extends Readonly<{ id: string }>>(records: T[]): T[] {
  return records.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function push(lists: Map<number, number[]>, key: number, value: number): void {
  const known = lists.get(key);
  if (known === undefined) lists.set(key, [value]);
  else known.push(value);
}

function sharesOf(world: World, pool: number): Estate["pools"][number]["shares"] {
  const { shares } = world;
  const amount = (values: readonly number[], share: number) => ({
    cpuMilli: values[share * quotaResources]!,
    memoryMiB: values[share * quotaResources + 1]!,
  });
  const own = world.pools.shares[pool]!.filter((share) => shares.granted[share]).map((share) => ({
    business: world.businesses.ids[shares.business[share]!]!,
    guarantee: amount(shares.guarantee, share),
    limit: amount(shares.limit, share),
  }));
  return own.sort((a, b) => (a.business < b.business ? -1 : 1));
}

function vmsOf({ deployments, subsystems, dcns, racks }: World): Estate["vms"] {
  const vms = deployments.vms.flatMap((own, deployment) =>
    own.map(({ rack, host }) => ({
      subsystem: subsystems.names.ids[deployments.subsystem[deployment]!]!,
      dcn: dcns.names.ids[deployments.dcn[deployment]!]!,
      rack: racks.names.ids[rack]!,
      ...(host === "" ? {} : { host }),
    })),
  );
  const key = (vm: (typeof vms)[number]) => `${vm.subsystem}/${vm.dcn}/${vm.rack}/${vm.host ?? ""}`;
  return vms.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function subnetOf({ subnets, racks, areas }: World, subnet: number, held: number): SubnetRecord {
  const fixedIps = subnets.fixed[subnet]!;
  return {
    id: subnets.names.ids[subnet]!,
    rack: racks.names.ids[subnets.rack[subnet]!]!,
    area: areas.ids[subnets.area[subnet]!]!,
    fixedIps,
    takenElsewhere: fixedIps - subnets.free[subnet]! - held,
  };
}

function hostOf(world: World, host: number): HostRecord {
  const { hosts, cells } = world;
  const cell = hosts.cell[host]!;
  const overcommit = world.pools.cpuOvercommitPercent[hosts.pool[host]!]!;
  const amounts = (value: (at: number, r: number) => number) =>
    Object.fromEntries(
      resources.map((name, r) => [name, value(host * resourceCount + r, r)]),
    ) as HostRecord["allocatable"];
  return {
    id: hosts.names.ids[host]!,
    rack: world.racks.names.ids[hosts.rack[host]!]!,
    cluster: world.clusters.names.ids[hosts.cluster[host]!]!,
    pool: world.pools.names.ids[hosts.pool[host]!]!,
    state: states[hosts.state[host]!]!,
    labels: world.labelSets.labels[cells.labelSet[cell]!]!,
    ioClass: world.ioClasses.ids[cells.ioClass[cell]!]!,
    allocatable: amounts((at) => hosts.allocatable[at]!),
    // What of it can be promised is less by what others request.
    otherPods: amounts((at, r) => {
      const have = r === 0 ? Math.floor((hosts.allocatable[at]! * overcommit) / 100) : hosts.allocatable[at]!;
      return have - hosts.capacity[at]!;
    }),
  };
}
