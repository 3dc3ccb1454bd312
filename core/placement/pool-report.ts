import { bigPlaces } from "./fixed-cost.ts";
import { PlacementInputError } from "./request.ts";
import { cpuAt, memoryAt, quotaResources, resourceCount, stateCodes, type World } from "./world.ts";

/** CPU in thousandths of a core, memory in MiB. */
export type PoolAmount = Readonly<{ cpuMilli: number; memoryMiB: number }>;

/**
 * `capacity`: what its hosts that are not offline can promise. `allocated`: promised to instances. `guaranteed`: the sum of the
 * guarantees. `borrowed`: what businesses use beyond theirs. `free`: capacity less allocated.
 */
export type PoolTotals = Readonly<{
  id: string;
  hosts: number;
  instances: number;
  capacity: PoolAmount;
  allocated: PoolAmount;
  guaranteed: PoolAmount;
  borrowed: PoolAmount;
  free: PoolAmount;
}>;

export type PoolBusiness = Readonly<{
  business: string;
  guarantee: PoolAmount;
  limit: PoolAmount;
  used: PoolAmount;
  longTerm: PoolAmount;
  borrowed: PoolAmount;
}>;

export type PoolRack = Readonly<{
  rack: string;
  hosts: number;
  capacity: PoolAmount;
  allocated: PoolAmount;
  /** Fixed addresses free by area. */
  freeIps: Readonly<Record<string, number>>;
}>;

/**
 * How many more of a class fit, host by host as they are now (`fits`), and how many would if all that is free were in one piece
 * (`inOnePiece`): the difference is stranded.
 */
export type PoolFragmentation = Readonly<{ class: string; fits: number; inOnePiece: number }>;

export type PoolDetail = PoolTotals &
  Readonly<{
    businesses: readonly PoolBusiness[];
    racks: readonly PoolRack[];
    fragmentation: readonly PoolFragmentation[];
  }>;

/** All pools, fullest (by CPU) first. */
export function poolTotals(world: World): PoolTotals[] {
  const totals = world.pools.names.ids.map((_, pool) => totalsOf(world, pool));
  const load = (each: PoolTotals) =>
    each.capacity.cpuMilli <= 0 ? 0 : each.allocated.cpuMilli / each.capacity.cpuMilli;
  return totals.sort((a, b) => load(b) - load(a) || (a.id < b.id ? -1 : 1));
}

/** One pool in detail. Throws PlacementInputError for a pool that is not there. */
export function poolDetail(world: World, id: string): PoolDetail {
  const pool = world.pools.names.index.get(id);
  if (pool === undefined) throw new PlacementInputError("pool", `"${id}" is not known`, "check the name");
  return {
    ...totalsOf(world, pool),
    businesses: businessesOf(world, pool),
    racks: racksOf(world, pool),
    fragmentation: world.classes.names.ids.map((_, index) => fragmentationOf(world, pool, index)),
  };
}

function amount(values: Readonly<{ [at: number]: number }>, base: number): PoolAmount {
  return { cpuMilli: values[base + cpuAt]!, memoryMiB: values[base + memoryAt]! };
}

function plus(a: PoolAmount, b: PoolAmount): PoolAmount {
  return { cpuMilli: a.cpuMilli + b.cpuMilli, memoryMiB: a.memoryMiB + b.memoryMiB };
}

function minus(a: PoolAmount, b: PoolAmount): PoolAmount {
  return { cpuMilli: a.cpuMilli - b.cpuMilli, memoryMiB: a.memoryMiB - b.memoryMiB };
}

const nothing: PoolAmount = { cpuMilli: 0, memoryMiB: 0 };

function beyond(used: PoolAmount, guarantee: PoolAmount): PoolAmount {
  return {
    cpuMilli: Math.max(0, used.cpuMilli - guarantee.cpuMilli),
    memoryMiB: Math.max(0, used.memoryMiB - guarantee.memoryMiB),
  };
}

function* hostsOf(world: World, pool: number): Generator<number> {
  for (const [cell, owner] of world.cells.pool.entries()) {
    if (owner !== pool) continue;
    for (const host of world.cells.hosts[cell]!) if (world.hosts.state[host] !== stateCodes.offline) yield host;
  }
}

function usedOn(world: World, host: number): PoolAmount {
  const base = host * resourceCount;
  return minus(amount(world.hosts.capacity, base), amount(world.hosts.free, base));
}

function totalsOf(world: World, pool: number): PoolTotals {
  let hosts = 0;
  let instances = 0;
  for (const host of hostsOf(world, pool)) {
    hosts += 1;
    instances += world.hosts.capacity[host * resourceCount + 4]! - world.hosts.free[host * resourceCount + 4]!;
  }
  const businesses = businessesOf(world, pool);
  const allocated = businesses.reduce((sum, each) => plus(sum, each.used), nothing);
  const capacity = amount(world.pools.capacity, pool * quotaResources);
  return {
    id: world.pools.names.ids[pool]!,
    hosts,
    instances,
    capacity,
    allocated,
    guaranteed: businesses.reduce((sum, each) => plus(sum, each.guarantee), nothing),
    borrowed: businesses.reduce((sum, each) => plus(sum, each.borrowed), nothing),
    free: minus(capacity, allocated),
  };
}

function businessesOf(world: World, pool: number): PoolBusiness[] {
  const { shares } = world;
  const own = world.pools.shares[pool]!.filter(
    (share) => shares.granted[share] || shares.used[share * quotaResources + cpuAt]! > 0,
  );
  const list = own.map((share) => {
    const base = share * quotaResources;
    const guarantee = amount(shares.guarantee, base);
    const used = amount(shares.used, base);
    return {
      business: world.businesses.ids[shares.business[share]!]!,
      guarantee,
      limit: amount(shares.limit, base),
      used,
      longTerm: amount(shares.longTerm, base),
      borrowed: beyond(used, guarantee),
    };
  });
  return list.sort((a, b) => (a.business < b.business ? -1 : 1));
}

function racksOf(world: World, pool: number): PoolRack[] {
  const racks = new Map<number, { hosts: number; capacity: PoolAmount; allocated: PoolAmount }>();
  for (const host of hostsOf(world, pool)) {
    const rack = world.hosts.rack[host]!;
    const known = racks.get(rack) ?? { hosts: 0, capacity: nothing, allocated: nothing };
    racks.set(rack, {
      hosts: known.hosts + 1,
      capacity: plus(known.capacity, amount(world.hosts.capacity, host * resourceCount)),
      allocated: plus(known.allocated, usedOn(world, host)),
    });
  }
  const areas = world.areas.ids;
  const list = [...racks].map(([rack, sums]) => ({
    rack: world.racks.names.ids[rack]!,
    ...sums,
    freeIps: Object.fromEntries(
      areas
        .map((area, at) => [area, rack * areas.length + at] as const)
        .filter(([, at]) => world.racks.subnets[at]!.length > 0)
        .map(([area, at]) => [area, world.racks.freeIps[at]!]),
    ),
  }));
  return list.sort((a, b) => (a.rack < b.rack ? -1 : 1));
}

function fragmentationOf(world: World, pool: number, index: number): PoolFragmentation {
  const need = (at: number) => world.classes.need[index * resourceCount + at]!;
  let fits = 0;
  let cpu = 0;
  let memory = 0;
  for (const host of hostsOf(world, pool)) {
    if (world.hosts.state[host] !== stateCodes.available) continue;
    const free = (at: number) => world.hosts.free[host * resourceCount + at]!;
    let here = bigPlaces(need(cpuAt), need(memoryAt), free(cpuAt), free(memoryAt));
    for (let at = memoryAt + 1; at < resourceCount; at += 1) {
      if (need(at) > 0) here = Math.min(here, Math.max(0, Math.floor(free(at) / need(at))));
    }
    fits += here;
    cpu += Math.max(0, free(cpuAt));
    memory += Math.max(0, free(memoryAt));
  }
  return {
    class: world.classes.names.ids[index]!,
    fits,
    inOnePiece: bigPlaces(need(cpuAt), need(memoryAt), cpu, memory),
  };
}
