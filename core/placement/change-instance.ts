import type { InstanceRecord } from "./estate.ts";
import { EstateError, refer } from "./estate-error.ts";
import { ensureDeployment } from "./deployment.ts";
import {
  borrowedFlag,
  findShare,
  quotaResources,
  resourceCount,
  shareSlotKey,
  subnetsOfInstance,
  temporaryFlag,
  type World,
} from "./world.ts";

/** Adds an instance to the picture. Throws EstateError for an id that is there already or names what is not there. */
export function addInstance(world: World, record: InstanceRecord): void {
  const field = `instances[${record.id}]`;
  const table = world.instances;
  if (table.names.has(record.id)) throw new EstateError(field, "is there twice", "remove one of the two");
  const host = refer(world.hosts.names, record.host, `${field}.host`);
  const classIndex = refer(world.classes.names, record.class, `${field}.class`);
  const subsystem = refer(world.subsystems.names, record.subsystem, `${field}.subsystem`);
  const dcn = refer(world.dcns.names, record.dcn, `${field}.dcn`);
  const subnets = record.subnets.map((subnet) => refer(world.subnets.names, subnet, `${field}.subnets`));

  const row = table.freeRows.pop() ?? table.ids.length;
  if (row >= table.host.length) growInstances(world);
  table.ids[row] = record.id;
  table.names.set(record.id, row);
  table.host[row] = host;
  table.class[row] = classIndex;
  table.flags[row] = (record.lifetime === "temporary" ? temporaryFlag : 0) | (record.borrowed ? borrowedFlag : 0);
  table.subnet[row] = subnets[0] ?? -1;
  if (subnets.length > 1) table.moreSubnets.set(row, subnets.slice(1));

  const deployment = ensureDeployment(world, subsystem, dcn);
  const list = world.deployments.instances[deployment]!;
  table.deployment[row] = deployment;
  table.at[row] = list.length;
  list.push(row);
  count(world, row, 1);
}

/** Takes an instance out of the picture and returns its record: adding that again undoes it. */
export function removeInstance(world: World, id: string): InstanceRecord {
  const table = world.instances;
  const row = table.names.get(id);
  if (row === undefined) throw new EstateError(`instances[${id}]`, "is not there", "check the id");
  const record = instanceRecord(world, row);
  count(world, row, -1);
  const list = world.deployments.instances[table.deployment[row]!]!;
  const last = list.pop()!;
  if (last !== row) {
    list[table.at[row]!] = last;
    table.at[last] = table.at[row]!;
  }
  table.names.delete(id);
  table.moreSubnets.delete(row);
  table.host[row] = -1;
  table.freeRows.push(row);
  return record;
}

/** Runs `act` in a world where these instances are not, and puts them back. */
export function withoutInstances<T>(world: World, ids: readonly string[], act: () => T): T {
  if (ids.length === 0) return act();
  const records = ids.map((id) => removeInstance(world, id));
  try {
    return act();
  } finally {
    for (const record of records.reverse()) addInstance(world, record);
  }
}

/** The record of the instance in a row. */
export function instanceRecord(world: World, row: number): InstanceRecord {
  const table = world.instances;
  const deployment = table.deployment[row]!;
  return {
    id: table.ids[row]!,
    subsystem: world.subsystems.names.ids[world.deployments.subsystem[deployment]!]!,
    dcn: world.dcns.names.ids[world.deployments.dcn[deployment]!]!,
    class: world.classes.names.ids[table.class[row]!]!,
    host: world.hosts.names.ids[table.host[row]!]!,
    subnets: subnetsOfInstance(world, row).map((subnet) => world.subnets.names.ids[subnet]!),
    lifetime: (table.flags[row]! & temporaryFlag) === 0 ? "long-term" : "temporary",
    borrowed: (table.flags[row]! & borrowedFlag) !== 0,
  };
}

/** Every instance of the picture. */
export function* instanceRecords(world: World): Generator<InstanceRecord> {
  for (const row of world.instances.names.values()) yield instanceRecord(world, row);
}

/** An instance of the picture; null when there is none of the id. */
export function findInstance(world: World, id: string): InstanceRecord | null {
  const row = world.instances.names.get(id);
  return row === undefined ? null : instanceRecord(world, row);
}

/** Adds (sign 1) or takes away (-1) what an instance uses: capacity, quota, addresses, neighbours. */
function count(world: World, row: number, sign: 1 | -1): void {
  const { hosts, cells, instances, racks, subnets } = world;
  const host = instances.host[row]!;
  const needAt = instances.class[row]! * resourceCount;
  const cell = hosts.cell[host]!;
  for (let r = 0; r < resourceCount; r += 1) {
    const at = host * resourceCount + r;
    const free = hosts.free[at]! - sign * world.classes.need[needAt + r]!;
    hosts.free[at] = free;
    if (free > cells.maxFree[cell * resourceCount + r]!) cells.maxFree[cell * resourceCount + r] = free;
  }
  for (const subnet of subnetsOfInstance(world, row)) {
    subnets.free[subnet]! -= sign;
    racks.freeIps[subnets.rack[subnet]! * world.areas.ids.length + subnets.area[subnet]!]! -= sign;
  }
  const subsystem = world.deployments.subsystem[instances.deployment[row]!]!;
  const profile = world.subsystems.profile[subsystem]!;
  if (profile >= 0) hosts.profileCount[host * world.profiles.ids.length + profile]! += sign;
  if (world.subsystems.ioHeavy[subsystem]) hosts.ioHeavy[host]! += sign;
  if (world.subsystems.ioSensitive[subsystem]) hosts.ioSensitive[host]! += sign;
  countQuota(world, row, sign);
}

function countQuota(world: World, row: number, sign: 1 | -1): void {
  const { hosts, cells, instances, shares, pools } = world;
  const host = instances.host[row]!;
  const cell = hosts.cell[host]!;
  const pool = hosts.pool[host]!;
  const business = world.subsystems.business[world.deployments.subsystem[instances.deployment[row]!]!]!;
  const share =
    findShare(world, pool, business) >= 0 ? findShare(world, pool, business) : addShare(world, pool, business);
  const longTerm = (instances.flags[row]! & temporaryFlag) === 0;
  for (let r = 0; r < quotaResources; r += 1) {
    const amount = sign * world.classes.need[instances.class[row]! * resourceCount + r]!;
    const at = share * quotaResources + r;
    cells.used[cell * quotaResources + r]! += amount;
    shares.used[at]! += amount;
    if (!longTerm) continue;
    const before = Math.max(shares.guarantee[at]!, shares.longTerm[at]!);
    shares.longTerm[at]! += amount;
    pools.claimed[pool * quotaResources + r]! += Math.max(shares.guarantee[at]!, shares.longTerm[at]!) - before;
  }
}

/** A business that has instances in a pool without a share of it (left over from a change) has a share of nought. */
function addShare(world: World, pool: number, business: number): number {
  const { shares } = world;
  const share = shares.pool.length;
  shares.slot.set(shareSlotKey(world, pool, business), share);
  shares.pool.push(pool);
  shares.business.push(business);
  shares.granted.push(false);
  for (const list of [shares.guarantee, shares.limit, shares.used, shares.longTerm]) list.push(0, 0);
  world.pools.shares[pool]!.push(share);
  return share;
}

function growInstances(world: World): void {
  const table = world.instances;
  const rows = Math.ceil(table.host.length * 1.5);
  const grow = (old: Int32Array) => {
    const larger = new Int32Array(rows);
    larger.set(old);
    return larger;
  };
  const filled = table.host.length;
  table.host = grow(table.host).fill(-1, filled);
  table.deployment = grow(table.deployment);
  table.class = grow(table.class);
  table.at = grow(table.at);
  table.subnet = grow(table.subnet);
  const flags = new Uint8Array(rows);
  flags.set(table.flags);
  table.flags = flags;
}
