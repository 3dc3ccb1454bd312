import type { Demand, DemandSet } from "./demand.ts";
import { fixedCost, keepCost } from "./fixed-cost.ts";
import { notesFor } from "./notes.ts";
import type { Problem } from "./problem.ts";
import type { PlacementPlan, PlannedInstance } from "./request.ts";
import { createPartAmounts, scoreOf, type Score } from "./score.ts";
import { createState, marginalCost, placedUnits, placeUnit, type SolverState } from "./solver-state.ts";
import { texts } from "./texts.ts";
import { findShare, idcOfHost, quotaResources, resourceCount, type World } from "./world.ts";

type Solved = Readonly<{ problem: Problem; state: SolverState }>;

/** Puts a solution into names: hosts, subnets, what is borrowed, what goes, and the score in parts. */
export function describePlan(world: World, set: DemandSet, { problem, state }: Solved): PlacementPlan {
  const units = placedUnits(state);
  const subnets = subnetChooser(world);
  const borrows = borrowMarker(world);
  const places: PlannedInstance[] = [];
  const kept = new Set<number>();
  for (const [k, demand] of problem.demands.entries()) {
    const own = units.filter((unit) => unit.k === k);
    if (demand.kind === "keep") {
      for (const { j } of own) kept.add(problem.instances[j]!);
      continue;
    }
    const names = world.hosts.names.ids;
    const hosts = own.map(({ j }) => problem.hosts[j]!);
    // Those that stay on their host come first, so that the instance that is named first stays.
    const stays = (host: number) => (host === demand.previousHost ? 0 : 1);
    hosts.sort((a, b) => stays(a) - stays(b) || (names[a]! < names[b]! ? -1 : 1));
    for (const [at, host] of hosts.entries()) {
      places.push({
        ...plannedInstance(world, demand, host),
        nics: subnets(demand, host),
        borrowed: borrows(demand, host),
        ...(demand.previousHost < 0 ? {} : { replaces: world.instances.ids[demand.instances[at]!]! }),
      });
    }
  }
  const removals = [...set.decided].filter((row) => !kept.has(row)).map((row) => world.instances.ids[row]!);
  const borrowed = places.filter((place) => place.borrowed).length;
  const notes = notesFor(world, set.demands);
  if (borrowed > 0) notes.push(texts.borrowedInstances(borrowed));
  return {
    outcome: "plan",
    places,
    removals: removals.sort(),
    score: scoreSolution(world, { problem, state }),
    notes,
  };
}

function plannedInstance(world: World, demand: Demand, host: number) {
  return {
    subsystem: world.subsystems.names.ids[demand.subsystem]!,
    dcn: world.dcns.names.ids[demand.dcn]!,
    class: world.classes.names.ids[demand.class]!,
    lifetime: demand.lifetime,
    idc: world.idcs.ids[idcOfHost(world, host)]!,
    cluster: world.clusters.names.ids[world.hosts.cluster[host]!]!,
    rack: world.racks.names.ids[world.hosts.rack[host]!]!,
    host: world.hosts.names.ids[host]!,
    pool: world.pools.names.ids[world.hosts.pool[host]!]!,
  };
}

/** Gives each NIC the subnet of its rack and area with the most addresses free; of equal ones the first by name. */
function subnetChooser(world: World) {
  const taken = new Map<number, number>();
  const areas = world.areas.ids.length;
  return (demand: Demand, host: number) =>
    demand.nics.map((area) => {
      let best = -1;
      let most = Number.NEGATIVE_INFINITY;
      for (const subnet of world.racks.subnets[world.hosts.rack[host]! * areas + area]!) {
        const free = world.subnets.free[subnet]! - (taken.get(subnet) ?? 0);
        const earlier = best < 0 || world.subnets.names.ids[subnet]! < world.subnets.names.ids[best]!;
        if (free > most || (free === most && earlier)) {
          best = subnet;
          most = free;
        }
      }
      taken.set(best, (taken.get(best) ?? 0) + 1);
      return { area: world.areas.ids[area]!, subnet: world.subnets.names.ids[best]! };
    });
}

/** Marks an instance as borrowed when with it its business has more of the pool than its guarantee, in CPU or memory. */
function borrowMarker(world: World) {
  const added = new Map<number, number>();
  return (demand: Demand, host: number): boolean => {
    const share = findShare(world, world.hosts.pool[host]!, demand.business);
    if (share < 0) return true;
    let beyond = false;
    for (let r = 0; r < quotaResources; r += 1) {
      const at = share * quotaResources + r;
      const sum = (added.get(at) ?? 0) + world.classes.need[demand.class * resourceCount + r]!;
      added.set(at, sum);
      if (world.shares.used[at]! + sum > world.shares.guarantee[at]!) beyond = true;
    }
    return beyond;
  };
}

/** The score of a solution, summed part by part on an empty state. */
function scoreSolution(world: World, { problem, state }: Solved): Score {
  const amounts = createPartAmounts();
  const replay = createState(problem);
  for (const { k, j } of placedUnits(state)) {
    marginalCost(replay, k, j, amounts);
    const demand = problem.demands[k]!;
    if (demand.kind === "place") fixedCost(world, demand, problem.hosts[j]!, amounts);
    else keepCost(world, problem.instances[j]!, amounts);
    placeUnit(replay, k, j);
  }
  return scoreOf(amounts);
}
