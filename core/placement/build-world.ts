import type { ClassRecord, Estate, PlacementRules, SubsystemRecord } from "./estate.ts";
import { EstateError, notNegative, refer, twice } from "./estate-error.ts";
import { addInstance } from "./change-instance.ts";
import { putHost } from "./change-host.ts";
import { ensureDeployment } from "./deployment.ts";
import { createNames, internName, stableKey, type Names } from "./names.ts";
import { resourceCount, shareSlotKey, stateCodes, type World } from "./world.ts";

/**
 * Makes the engine's picture of an estate. Throws EstateError for an id that is named and not there, or is there twice, and for
 * numbers below nought.
 */
export function buildWorld(estate: Estate): World {
  const world = createEmptyWorld(estate);
  for (const idc of estate.idcs) addId(world.idcs, idc.id, "idcs");
  for (const cluster of estate.clusters) addCluster(world, cluster);
  for (const rack of estate.racks) {
    addId(world.racks.names, rack.id, "racks");
    world.racks.key.push(stableKey(rack.id));
    world.racks.idc.push(refer(world.idcs, rack.idc, `racks[${rack.id}].idc`));
    world.racks.state.push(stateCodes[rack.state]);
  }
  for (const subnet of estate.subnets) addSubnet(world, subnet);
  for (const record of estate.classes) addClass(world, record);
  for (const pool of estate.pools) addPool(world, pool);
  for (const dcn of estate.dcns) addDcn(world, dcn);
  for (const subsystem of estate.subsystems) addId(world.subsystems.names, subsystem.id, "subsystems");
  for (const subsystem of estate.subsystems) fillSubsystem(world, subsystem);
  for (const vm of estate.vms) addVm(world, vm);
  for (const host of estate.hosts) {
    if (world.hosts.names.index.has(host.id)) throw twice(`hosts[${host.id}]`);
    putHost(world, host);
  }
  for (const instance of estate.instances) addInstance(world, instance);
  return world;
}

/** Tables of the right size; how many profiles and areas there are is known from the estate. */
function createEmptyWorld(estate: Estate): World {
  const areas = createNames();
  for (const area of estate.areas) internName(areas, area.id);
  const profiles = createNames();
  for (const subsystem of estate.subsystems) {
    if (subsystem.profile !== undefined) internName(profiles, subsystem.profile);
  }
  const rackAreas = estate.racks.length * areas.ids.length;
  const hostRows = Math.ceil(estate.hosts.length * 1.1) + 16;
  const instanceRows = Math.ceil(estate.instances.length * 1.1) + 64;
  return {
    idcs: createNames(),
    environments: createNames(),
    areas,
    businesses: createNames(),
    groups: createNames(),
    profiles,
    ioClasses: createNames(),
    labelSets: { names: createNames(), labels: [] },
    clusters: { names: createNames(), idc: [], environment: [], state: [], stale: [] },
    racks: {
      names: createNames(),
      key: [],
      idc: [],
      state: [],
      fixedIps: new Int32Array(rackAreas),
      freeIps: new Int32Array(rackAreas),
      subnets: Array.from({ length: rackAreas }, () => []),
    },
    subnets: { names: createNames(), rack: [], area: [], fixed: [], free: new Int32Array(estate.subnets.length) },
    pools: {
      names: createNames(),
      environment: [],
      cpuOvercommitPercent: [],
      bigClass: [],
      shares: [],
      capacity: new Float64Array(estate.pools.length * 2),
      claimed: new Float64Array(estate.pools.length * 2),
    },
    shares: { slot: new Map(), pool: [], business: [], granted: [], guarantee: [], limit: [], used: [], longTerm: [] },
    classes: { names: createNames(), records: [], need: [], ioClass: [] },
    dcns: { names: createNames(), group: [], idc: [], environment: [], clusters: [], databaseRack: [] },
    subsystems: {
      names: createNames(),
      business: [],
      profile: [],
      ioHeavy: [],
      ioSensitive: [],
      rules: [],
      deployments: [],
      apartOf: [],
      togetherOf: [],
    },
    deployments: { slot: new Map(), subsystem: [], dcn: [], instances: [], vms: [] },
    hosts: {
      names: createNames(),
      rack: new Int32Array(hostRows),
      cluster: new Int32Array(hostRows),
      pool: new Int32Array(hostRows),
      cell: new Int32Array(hostRows).fill(-1),
      state: new Uint8Array(hostRows),
      key: new Uint32Array(hostRows),
      allocatable: new Int32Array(hostRows * resourceCount),
      capacity: new Int32Array(hostRows * resourceCount),
      free: new Int32Array(hostRows * resourceCount),
      profileCount: new Uint16Array(hostRows * profiles.ids.length),
      ioHeavy: new Uint16Array(hostRows),
      ioSensitive: new Uint16Array(hostRows),
    },
    cells: {
      slot: new Map(),
      rack: [],
      cluster: [],
      pool: [],
      labelSet: [],
      ioClass: [],
      hosts: [],
      maxFree: [],
      used: [],
      capacity: [],
      byIdcAndPool: new Map(),
    },
    instances: {
      names: new Map(),
      ids: [],
      freeRows: [],
      host: new Int32Array(instanceRows).fill(-1),
      deployment: new Int32Array(instanceRows),
      class: new Int32Array(instanceRows),
      at: new Int32Array(instanceRows),
      flags: new Uint8Array(instanceRows),
      subnet: new Int32Array(instanceRows),
      moreSubnets: new Map(),
    },
  };
}

function addCluster(world: World, cluster: Estate["clusters"][number]): void {
  addId(world.clusters.names, cluster.id, "clusters");
  world.clusters.idc.push(refer(world.idcs, cluster.idc, `clusters[${cluster.id}].idc`));
  world.clusters.environment.push(internName(world.environments, cluster.environment));
  world.clusters.state.push(stateCodes[cluster.state]);
  world.clusters.stale.push(cluster.stale);
}

function addSubnet(world: World, subnet: Estate["subnets"][number]): void {
  const field = `subnets[${subnet.id}]`;
  const index = addId(world.subnets.names, subnet.id, "subnets");
  const rack = refer(world.racks.names, subnet.rack, `${field}.rack`);
  const area = refer(world.areas, subnet.area, `${field}.area`);
  notNegative(subnet.fixedIps, `${field}.fixedIps`);
  // Below nought when instances hold addresses that a smaller fixed range has left out.
  notNegative(subnet.fixedIps - subnet.takenElsewhere, `${field}.takenElsewhere`);
  world.subnets.rack.push(rack);
  world.subnets.area.push(area);
  world.subnets.fixed.push(subnet.fixedIps);
  world.subnets.free[index] = subnet.fixedIps - subnet.takenElsewhere;
  const at = rack * world.areas.ids.length + area;
  world.racks.subnets[at]!.push(index);
  world.racks.fixedIps[at]! += subnet.fixedIps;
  world.racks.freeIps[at]! += subnet.fixedIps - subnet.takenElsewhere;
}

function addClass(world: World, record: ClassRecord): void {
  addId(world.classes.names, record.id, "classes");
  for (const amount of [record.cpuMilli, record.memoryMiB, record.diskGiB, record.ioMiBps, 1]) {
    notNegative(amount, `classes[${record.id}]`);
    world.classes.need.push(amount);
  }
  world.classes.records.push(record);
  world.classes.ioClass.push(record.ioClass === undefined ? -1 : internName(world.ioClasses, record.ioClass));
}

function addPool(world: World, pool: Estate["pools"][number]): void {
  const index = addId(world.pools.names, pool.id, "pools");
  const field = `pools[${pool.id}]`;
  world.pools.environment.push(internName(world.environments, pool.environment));
  world.pools.cpuOvercommitPercent.push(pool.cpuOvercommitPercent);
  world.pools.bigClass.push(
    pool.bigClass === undefined ? -1 : refer(world.classes.names, pool.bigClass, `${field}.bigClass`),
  );
  world.pools.shares.push([]);
  for (const share of pool.shares) {
    const business = internName(world.businesses, share.business);
    if (world.shares.pool.some((known, at) => known === index && world.shares.business[at] === business)) {
      throw twice(`${field}.shares[${share.business}]`);
    }
    const at = world.shares.pool.length;
    for (const [resource, guarantee, limit] of [
      [0, share.guarantee.cpuMilli, share.limit.cpuMilli],
      [1, share.guarantee.memoryMiB, share.limit.memoryMiB],
    ] as const) {
      notNegative(guarantee, `${field}.shares[${share.business}].guarantee`);
      if (limit < guarantee) {
        throw new EstateError(
          `${field}.shares[${share.business}].limit`,
          `${limit} is below the guarantee ${guarantee}`,
          "raise the limit or lower the guarantee",
        );
      }
      world.shares.guarantee.push(guarantee);
      world.shares.limit.push(limit);
      world.shares.used.push(0);
      world.shares.longTerm.push(0);
      world.pools.claimed[index * 2 + resource]! += guarantee;
    }
    world.shares.pool.push(index);
    world.shares.business.push(business);
    world.shares.granted.push(true);
    world.pools.shares[index]!.push(at);
  }
  // The key of a share needs the final number of pools; it is set when all are known.
  if (world.pools.names.ids.length * 2 === world.pools.capacity.length) {
    for (const [at, owner] of world.shares.pool.entries()) {
      world.shares.slot.set(shareSlotKey(world, owner, world.shares.business[at]!), at);
    }
  }
}

function addDcn(world: World, dcn: Estate["dcns"][number]): void {
  addId(world.dcns.names, dcn.id, "dcns");
  world.dcns.group.push(internName(world.groups, dcn.group));
  world.dcns.idc.push(refer(world.idcs, dcn.idc, `dcns[${dcn.id}].idc`));
  world.dcns.environment.push(internName(world.environments, dcn.environment));
  const clusters = dcn.clusters?.map((id) => refer(world.clusters.names, id, `dcns[${dcn.id}].clusters`));
  world.dcns.clusters.push(clusters === undefined ? null : new Set(clusters));
  world.dcns.databaseRack.push(
    dcn.databaseRack === undefined ? -1 : refer(world.racks.names, dcn.databaseRack, `dcns[${dcn.id}].databaseRack`),
  );
}

function fillSubsystem(world: World, record: SubsystemRecord): void {
  const table = world.subsystems;
  const index = table.business.length;
  table.business.push(internName(world.businesses, record.business));
  table.profile.push(record.profile === undefined ? -1 : refer(world.profiles, record.profile, "profile"));
  table.ioHeavy.push(record.ioHeavy === true);
  table.ioSensitive.push(record.ioSensitive === true);
  table.rules.push(record.rules);
  table.deployments.push([]);
  table.apartOf[index] ??= [];
  table.togetherOf[index] ??= [];
  linkRules(world, index, record.rules);
}

function linkRules(world: World, subsystem: number, rules: PlacementRules): void {
  const field = `subsystems[${world.subsystems.names.ids[subsystem]}].rules`;
  for (const [name, list, links] of [
    ["apart", rules.apart ?? [], world.subsystems.apartOf],
    ["together", rules.together ?? [], world.subsystems.togetherOf],
  ] as const) {
    for (const { subsystem: other } of list) {
      const at = refer(world.subsystems.names, other, `${field}.${name}`);
      const back = (links[at] ??= []);
      if (!back.includes(subsystem)) back.push(subsystem);
    }
  }
}

function addVm(world: World, vm: Estate["vms"][number]): void {
  const subsystem = refer(world.subsystems.names, vm.subsystem, "vms[].subsystem");
  const dcn = refer(world.dcns.names, vm.dcn, "vms[].dcn");
  const rack = refer(world.racks.names, vm.rack, "vms[].rack");
  world.deployments.vms[ensureDeployment(world, subsystem, dcn)]!.push({ rack, host: vm.host ?? "" });
}

function addId(names: Names, id: string, table: string): number {
  if (names.index.has(id)) throw twice(`${table}[${id}]`);
  return internName(names, id);
}
