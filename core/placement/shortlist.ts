import { cellRules, hostReason, nicsInArea, resourceRules } from "./cell-rules.ts";
import type { Demand } from "./demand.ts";
import { bigPlaces, fixedCost, ipFillOfRack } from "./fixed-cost.ts";
import { scoreWeights } from "./score.ts";
import type { DomainCounts } from "./surroundings.ts";
import { cpuAt, memoryAt, resourceCount, type World } from "./world.ts";

/** Hosts from which the few best cells are chosen when there are more than this many. */
const fewHosts = 160;
const hostsOfACell = 3;

/** Cells of the demand's IDC and pools. */
export function cellsOf(world: World, demand: Demand): number[] {
  const pools = world.pools.names.ids.length;
  const idc = world.dcns.idc[demand.dcn]!;
  if (demand.pools.length === 1) return world.cells.byIdcAndPool.get(idc * pools + demand.pools[0]!) ?? [];
  return demand.pools.flatMap((pool) => world.cells.byIdcAndPool.get(idc * pools + pool) ?? []);
}

/**
 * The hosts that look best for the demand, so that a request need not look at all of a data centre's; null when there are few
 * enough to look at all. It is no more than a first guess: the solver asks for all hosts when these do not do.
 */
export function shortlist(world: World, demand: Demand, counts: DomainCounts): number[] | null {
  const cells = cellsOf(world, demand);
  let hosts = 0;
  for (const cell of cells) {
    hosts += world.cells.hosts[cell]!.length;
    if (hosts > fewHosts) break;
  }
  if (hosts <= fewHosts) return null;
  const chosen: number[] = [];
  for (const cell of bestCells(world, demand, cells, counts)) bestHosts(world, demand, cell, counts, chosen);
  return chosen;
}

/** The cheapest cells of each cluster, some more in all than instances are wanted. */
function bestCells(world: World, demand: Demand, cells: readonly number[], counts: DomainCounts): number[] {
  const byCluster = new Map<number, { cells: number[]; costs: number[] }>();
  let clusters = 0;
  for (const cell of cells) {
    const cluster = world.cells.cluster[cell]!;
    if (!byCluster.has(cluster)) {
      byCluster.set(cluster, { cells: [], costs: [] });
      clusters += 1;
    }
  }
  const each = Math.ceil((demand.count + 6) / clusters) + 2;
  for (const cell of cells) {
    const best = byCluster.get(world.cells.cluster[cell]!)!;
    const cost = costOfCell(world, demand, cell, counts);
    if (best.cells.length >= each && cost > best.costs[each - 1]!) continue;
    if (!mayTakeOne(world, demand, cell)) continue;
    let at = best.cells.length;
    const key = world.racks.key[world.cells.rack[cell]!]!;
    while (at > 0) {
      const before = best.costs[at - 1]!;
      if (before < cost) break;
      if (before === cost && world.racks.key[world.cells.rack[best.cells[at - 1]!]!]! < key) break;
      at -= 1;
    }
    best.cells.splice(at, 0, cell);
    best.costs.splice(at, 0, cost);
    if (best.cells.length > each) {
      best.cells.pop();
      best.costs.pop();
    }
  }
  return [...byCluster.values()].flatMap((best) => best.cells);
}

function costOfCell(world: World, demand: Demand, cell: number, counts: DomainCounts): number {
  const { cells } = world;
  const rack = cells.rack[cell]!;
  const cpu = cells.used[cell * 2]! / Math.max(1, cells.capacity[cell * 2]!);
  const memory = cells.used[cell * 2 + 1]! / Math.max(1, cells.capacity[cell * 2 + 1]!);
  const databaseRack = world.dcns.databaseRack[demand.dcn]!;
  return (
    scoreWeights.hostLoad * Math.max(cpu, memory) +
    scoreWeights.ipFill * ipFillOfRack(world, demand, rack) +
    scoreWeights.rackSpread * (counts.rack.get(rack) ?? 0) +
    scoreWeights.databaseDistance * (databaseRack >= 0 && databaseRack !== rack ? 1 : 0)
  );
}

/** Whether a cell keeps all rules of cells, some host may have room, and its rack has the addresses. */
function mayTakeOne(world: World, demand: Demand, cell: number): boolean {
  for (const { rejects } of cellRules) if (rejects(world, demand, cell)) return false;
  const need = demand.class * resourceCount;
  for (let r = 0; r < resourceRules.length; r += 1) {
    if (world.cells.maxFree[cell * resourceCount + r]! < world.classes.need[need + r]!) return false;
  }
  const areas = world.areas.ids.length;
  for (const area of demand.nics) {
    if (world.racks.freeIps[world.cells.rack[cell]! * areas + area]! < nicsInArea(demand, area)) return false;
  }
  return true;
}

/** Adds the few cheapest hosts of a cell that have room for one instance. */
function bestHosts(world: World, demand: Demand, cell: number, counts: DomainCounts, into: number[]): void {
  const costs: number[] = [];
  const first = into.length;
  for (const host of world.cells.hosts[cell]!) {
    if (hostReason(world, demand, host) !== null) continue;
    const cost =
      fixedCost(world, demand, host) +
      scoreWeights.hostSpread * (counts.host.get(host) ?? 0) +
      scoreWeights.wholeHosts * bigPlacesLost(world, demand, host);
    let at = costs.length;
    while (at > 0) {
      const before = costs[at - 1]!;
      if (before < cost) break;
      if (before === cost && world.hosts.key[into[first + at - 1]!]! < world.hosts.key[host]!) break;
      at -= 1;
    }
    if (at >= hostsOfACell) continue;
    costs.splice(at, 0, cost);
    into.splice(first + at, 0, host);
    if (costs.length > hostsOfACell) {
      costs.pop();
      into.pop();
    }
  }
  if (costs.length === 0) tightenMaxFree(world, cell);
}

function bigPlacesLost(world: World, demand: Demand, host: number): number {
  const big = world.pools.bigClass[world.hosts.pool[host]!]!;
  if (big < 0) return 0;
  const cpu = world.hosts.free[host * resourceCount + cpuAt]!;
  const memory = world.hosts.free[host * resourceCount + memoryAt]!;
  const { need } = world.classes;
  const bigCpu = need[big * resourceCount + cpuAt]!;
  const bigMemory = need[big * resourceCount + memoryAt]!;
  const after = bigPlaces(
    bigCpu,
    bigMemory,
    cpu - need[demand.class * resourceCount + cpuAt]!,
    memory - need[demand.class * resourceCount + memoryAt]!,
  );
  return bigPlaces(bigCpu, bigMemory, cpu, memory) - after;
}

/** The bound of what hosts of the cell have free was too high: set it to what they do have. */
function tightenMaxFree(world: World, cell: number): void {
  for (let r = 0; r < resourceCount; r += 1) {
    let most = 0;
    for (const host of world.cells.hosts[cell]!) most = Math.max(most, world.hosts.free[host * resourceCount + r]!);
    world.cells.maxFree[cell * resourceCount + r] = most;
  }
}
