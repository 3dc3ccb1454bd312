import { loadOfHost } from "./cell-rules.ts";
import type { Demand } from "./demand.ts";
import { keepAmount } from "./read-request.ts";
import { partIndex, scoreWeights, type PartAmounts } from "./score.ts";
import { stateCodes, type World } from "./world.ts";

/**
 * What an instance of the demand costs on a host whatever the rest of the plan is, in points. With `into` the amounts of the
 * parts are added up there.
 */
export function fixedCost(world: World, demand: Demand, host: number, into: PartAmounts | null = null): number {
  const rack = world.hosts.rack[host]!;
  const load = loadOfHost(world, host);
  const ipFill = ipFillOfRack(world, demand, rack);
  const databaseRack = world.dcns.databaseRack[demand.dcn]!;
  const distance = databaseRack >= 0 && databaseRack !== rack ? 1 : 0;
  const stay = demand.previousHost < 0 ? 0 : stepsAway(world, demand.previousHost, host);
  const profile = world.subsystems.profile[demand.subsystem]!;
  const similar = profile < 0 ? 0 : world.hosts.profileCount[host * world.profiles.ids.length + profile]!;
  let io = 0;
  if (world.subsystems.ioHeavy[demand.subsystem]) io += world.hosts.ioSensitive[host]!;
  if (world.subsystems.ioSensitive[demand.subsystem]) io += world.hosts.ioHeavy[host]!;
  if (into !== null) {
    into[partIndex.hostLoad]! += load;
    into[partIndex.ipFill]! += ipFill;
    into[partIndex.databaseDistance]! += distance;
    into[partIndex.stay]! += stay;
    into[partIndex.similarProfile]! += similar;
    into[partIndex.ioConflict]! += io;
  }
  return (
    scoreWeights.hostLoad * load +
    scoreWeights.ipFill * ipFill +
    scoreWeights.databaseDistance * distance +
    scoreWeights.stay * stay +
    scoreWeights.similarProfile * similar +
    scoreWeights.ioConflict * io
  );
}

/** Summed over the NICs of an instance: the share of the rack's fixed addresses of the area that is in use. */
export function ipFillOfRack(world: World, demand: Demand, rack: number): number {
  let fill = 0;
  for (const area of demand.nics) {
    const at = rack * world.areas.ids.length + area;
    const fixed = world.racks.fixedIps[at]!;
    fill += fixed === 0 ? 1 : 1 - world.racks.freeIps[at]! / fixed;
  }
  return fill;
}

function stepsAway(world: World, from: number, to: number): number {
  if (from === to) return 0;
  if (world.hosts.rack[from] === world.hosts.rack[to]) return 1;
  return world.hosts.cluster[from] === world.hosts.cluster[to] ? 2 : 3;
}

/** What keeping an existing instance costs, in points: those go first that are borrowed, temporary or out of service. */
export function keepCost(world: World, instance: number, into: PartAmounts | null = null): number {
  const host = world.instances.host[instance]!;
  const inService =
    world.hosts.state[host] === stateCodes.available &&
    world.racks.state[world.hosts.rack[host]!] === stateCodes.available &&
    world.clusters.state[world.hosts.cluster[host]!] === stateCodes.available;
  const amount = keepAmount(world, instance) + (inService ? 0 : 4);
  if (into !== null) into[partIndex.keep]! += amount;
  return scoreWeights.keep * amount;
}

/** How many instances of the big class of the host's pool fit into so much free CPU and memory. */
export function bigPlaces(bigCpu: number, bigMemory: number, cpu: number, memory: number): number {
  if (cpu < bigCpu || memory < bigMemory) return 0;
  const byCpu = bigCpu > 0 ? Math.floor(cpu / bigCpu) : Number.MAX_SAFE_INTEGER;
  const byMemory = bigMemory > 0 ? Math.floor(memory / bigMemory) : Number.MAX_SAFE_INTEGER;
  return Math.min(byCpu, byMemory);
}
