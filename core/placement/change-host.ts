import type { HostRecord, OperatingState } from "./estate.ts";
import { EstateError, refer } from "./estate-error.ts";
import { addInstance, instanceRecord, removeInstance } from "./change-instance.ts";
import { internName, stableKey } from "./names.ts";
import { isThere, nowhere, quotaResources, resourceCount, stateCodes, type World } from "./world.ts";

/** Adds a host, or changes it to what the record says; its instances stay. Throws EstateError for what is not there. */
export function putHost(world: World, record: HostRecord): void {
  const field = `hosts[${record.id}]`;
  const rack = refer(world.racks.names, record.rack, `${field}.rack`);
  const cluster = refer(world.clusters.names, record.cluster, `${field}.cluster`);
  const pool = refer(world.pools.names, record.pool, `${field}.pool`);
  if (world.racks.idc[rack] !== world.clusters.idc[cluster]) {
    throw new EstateError(
      field,
      `rack "${record.rack}" and cluster "${record.cluster}" are in different IDCs`,
      "correct one of the two",
    );
  }
  const { hosts } = world;
  const known = hosts.names.index.get(record.id);
  if (known !== undefined && hosts.pool[known] !== pool) {
    return changePool(world, record, known);
  }
  const host = internName(hosts.names, record.id);
  if (host >= hosts.rack.length) growHosts(world);
  if (known !== undefined) detach(world, host);
  hosts.rack[host] = rack;
  hosts.cluster[host] = cluster;
  hosts.pool[host] = pool;
  hosts.state[host] = stateCodes[record.state];
  hosts.key[host] = stableKey(record.id);
  hosts.cell[host] = cellOf(world, record, { rack, cluster, pool });
  setCapacity(world, host, record);
  attach(world, host);
}

/** A host that is gone: it is in no cell and counts nowhere. Throws while instances are on it. */
export function removeHost(world: World, id: string): void {
  const { hosts } = world;
  const host = hosts.names.index.get(id);
  if (host === undefined || !isThere(world, host)) {
    throw new EstateError(`hosts[${id}]`, "is not there", "check the id");
  }
  const used = hosts.capacity[host * resourceCount + 4]! - hosts.free[host * resourceCount + 4]!;
  if (used > 0) throw new EstateError(`hosts[${id}]`, `still has ${used} instances`, "move or retire them first");
  detach(world, host);
  hosts.cell[host] = nowhere;
  for (const table of [hosts.allocatable, hosts.capacity, hosts.free]) {
    table.fill(0, host * resourceCount, (host + 1) * resourceCount);
  }
}

/** Changes the state of a host only. */
export function setHostState(world: World, host: number, state: OperatingState): void {
  detach(world, host);
  world.hosts.state[host] = stateCodes[state];
  attach(world, host);
}

export function setClusterState(world: World, id: string, state: OperatingState, stale: boolean): void {
  const cluster = refer(world.clusters.names, id, "cluster");
  world.clusters.state[cluster] = stateCodes[state];
  world.clusters.stale[cluster] = stale;
}

export function setRackState(world: World, id: string, state: OperatingState): void {
  world.racks.state[refer(world.racks.names, id, "rack")] = stateCodes[state];
}

/** The fixed addresses of a subnet that are free, as the ledger counts them, when others took some or gave some back. */
export function setFreeIps(world: World, id: string, free: number): void {
  const subnet = refer(world.subnets.names, id, "subnet");
  const more = free - world.subnets.free[subnet]!;
  world.subnets.free[subnet] = free;
  world.racks.freeIps[world.subnets.rack[subnet]! * world.areas.ids.length + world.subnets.area[subnet]!]! += more;
}

function setCapacity(world: World, host: number, record: HostRecord): void {
  const { allocatable, otherPods } = record;
  const { hosts } = world;
  const overcommit = world.pools.cpuOvercommitPercent[hosts.pool[host]!]!;
  const have = [
    allocatable.cpuMilli,
    allocatable.memoryMiB,
    allocatable.diskGiB,
    allocatable.ioMiBps,
    allocatable.instances,
  ];
  const capacities = [
    Math.floor((allocatable.cpuMilli * overcommit) / 100) - otherPods.cpuMilli,
    allocatable.memoryMiB - otherPods.memoryMiB,
    allocatable.diskGiB - otherPods.diskGiB,
    allocatable.ioMiBps - otherPods.ioMiBps,
    allocatable.instances - otherPods.instances,
  ];
  for (const [r, capacity] of capacities.entries()) {
    const at = host * resourceCount + r;
    if (!Number.isFinite(capacity)) {
      throw new EstateError(`hosts[${record.id}].allocatable`, "is not a number", "give whole numbers");
    }
    const used = hosts.capacity[at]! - hosts.free[at]!;
    hosts.allocatable[at] = have[r]!;
    hosts.capacity[at] = Math.trunc(capacity);
    hosts.free[at] = Math.trunc(capacity) - used;
  }
}

/** Counts a host in its cell and, unless it is offline, in its pool. */
function attach(world: World, host: number): void {
  const { hosts, cells, pools } = world;
  if (!isThere(world, host)) return;
  const cell = hosts.cell[host]!;
  cells.hosts[cell]!.push(host);
  for (let r = 0; r < resourceCount; r += 1) {
    const free = hosts.free[host * resourceCount + r]!;
    if (free > cells.maxFree[cell * resourceCount + r]!) cells.maxFree[cell * resourceCount + r] = free;
  }
  addToTotals(world, host, 1);
  if (hosts.state[host] !== stateCodes.offline) {
    for (let r = 0; r < quotaResources; r += 1) {
      pools.capacity[hosts.pool[host]! * quotaResources + r]! += hosts.capacity[host * resourceCount + r]!;
    }
  }
}

function detach(world: World, host: number): void {
  const { hosts, cells, pools } = world;
  if (!isThere(world, host)) return;
  const list = cells.hosts[hosts.cell[host]!]!;
  list.splice(list.indexOf(host), 1);
  addToTotals(world, host, -1);
  if (hosts.state[host] !== stateCodes.offline) {
    for (let r = 0; r < quotaResources; r += 1) {
      pools.capacity[hosts.pool[host]! * quotaResources + r]! -= hosts.capacity[host * resourceCount + r]!;
    }
  }
}

function addToTotals(world: World, host: number, sign: 1 | -1): void {
  const { hosts, cells } = world;
  const cell = hosts.cell[host]!;
  for (let r = 0; r < quotaResources; r += 1) {
    const at = host * resourceCount + r;
    cells.capacity[cell * quotaResources + r]! += sign * hosts.capacity[at]!;
    cells.used[cell * quotaResources + r]! += sign * (hosts.capacity[at]! - hosts.free[at]!);
  }
}

/** The cell of hosts like this one, made when it is the first. */
function cellOf(
  world: World,
  record: HostRecord,
  { rack, cluster, pool }: Readonly<{ rack: number; cluster: number; pool: number }>,
): number {
  const { cells } = world;
  const labelKey = JSON.stringify(Object.entries(record.labels).sort(([a], [b]) => (a < b ? -1 : 1)));
  const labelSet = internName(world.labelSets.names, labelKey);
  world.labelSets.labels[labelSet] ??= record.labels;
  const ioClass = internName(world.ioClasses, record.ioClass);
  const key = `${rack}/${cluster}/${pool}/${labelSet}/${ioClass}`;
  const known = cells.slot.get(key);
  if (known !== undefined) return known;
  const cell = cells.rack.length;
  cells.slot.set(key, cell);
  cells.rack.push(rack);
  cells.cluster.push(cluster);
  cells.pool.push(pool);
  cells.labelSet.push(labelSet);
  cells.ioClass.push(ioClass);
  cells.hosts.push([]);
  for (let r = 0; r < resourceCount; r += 1) cells.maxFree.push(0);
  cells.used.push(0, 0);
  cells.capacity.push(0, 0);
  const group = world.racks.idc[rack]! * world.pools.names.ids.length + pool;
  const list = cells.byIdcAndPool.get(group) ?? [];
  list.push(cell);
  cells.byIdcAndPool.set(group, list);
  return cell;
}

/** A host goes to another pool with what is on it: quotas are counted anew. */
function changePool(world: World, record: HostRecord, host: number): void {
  const moved: ReturnType<typeof instanceRecord>[] = [];
  for (const [row, at] of world.instances.host.entries()) {
    if (at === host) moved.push(instanceRecord(world, row));
  }
  for (const instance of moved) removeInstance(world, instance.id);
  detach(world, host);
  world.hosts.pool[host] = refer(world.pools.names, record.pool, "pool");
  attach(world, host);
  putHost(world, record);
  for (const instance of moved) addInstance(world, instance);
}

function growHosts(world: World): void {
  const { hosts } = world;
  const rows = Math.ceil(hosts.rack.length * 1.5);
  const grow = <T extends Int32Array | Uint32Array | Uint16Array | Uint8Array>(old: T, larger: T): T => {
    larger.set(old);
    return larger;
  };
  hosts.rack = grow(hosts.rack, new Int32Array(rows));
  hosts.cluster = grow(hosts.cluster, new Int32Array(rows));
  hosts.pool = grow(hosts.pool, new Int32Array(rows));
  hosts.cell = grow(hosts.cell, new Int32Array(rows));
  hosts.state = grow(hosts.state, new Uint8Array(rows));
  hosts.key = grow(hosts.key, new Uint32Array(rows));
  hosts.allocatable = grow(hosts.allocatable, new Int32Array(rows * resourceCount));
  hosts.capacity = grow(hosts.capacity, new Int32Array(rows * resourceCount));
  hosts.free = grow(hosts.free, new Int32Array(rows * resourceCount));
  hosts.profileCount = grow(hosts.profileCount, new Uint16Array(rows * world.profiles.ids.length));
  hosts.ioHeavy = grow(hosts.ioHeavy, new Uint16Array(rows));
  hosts.ioSensitive = grow(hosts.ioSensitive, new Uint16Array(rows));
}
