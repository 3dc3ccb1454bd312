import { bigPlaces } from "./fixed-cost.ts";
import { softPenalty, type Problem } from "./problem.ts";
import { partIndex, scoreWeights, type PartAmounts } from "./score.ts";

/** A partial plan: how many units of each demand are at each candidate, and the sums that the limits and costs need. */
export type SolverState = {
  readonly problem: Problem;
  /** By demand * candidates + candidate. */
  readonly units: Uint16Array;
  readonly remaining: Int32Array;
  readonly loads: Float64Array;
  readonly pairsHost: Int32Array;
  readonly pairsRack: Int32Array;
  readonly pairsCluster: Int32Array;
  readonly profileUnits: Int32Array;
  readonly heavyUnits: Int32Array;
  readonly sensitiveUnits: Int32Array;
  readonly usedCpu: Float64Array;
  readonly usedMemory: Float64Array;
  readonly claims: readonly Float64Array[];
  cost: number;
  /** Steps of search made so far: the measure of effort, so that a limit on it is deterministic. */
  effort: number;
};

export function createState(problem: Problem): SolverState {
  const hosts = problem.placeCounts.host;
  return {
    problem,
    units: new Uint16Array(problem.demands.length * problem.candidates),
    remaining: Int32Array.from(problem.demands, (demand) => demand.count),
    loads: new Float64Array(problem.caps.length),
    pairsHost: problem.basePairs.host.slice(),
    pairsRack: problem.basePairs.rack.slice(),
    pairsCluster: problem.basePairs.cluster.slice(),
    profileUnits: new Int32Array(problem.profileCount * hosts),
    heavyUnits: new Int32Array(hosts),
    sensitiveUnits: new Int32Array(hosts),
    usedCpu: new Float64Array(hosts),
    usedMemory: new Float64Array(hosts),
    claims: problem.guards.map((guard) => Float64Array.from(guard.claims, (claim) => claim.longTerm)),
    cost: 0,
    effort: 0,
  };
}

/** Whether one more unit of demand `k` may be at candidate `j`. */
export function fits(state: SolverState, k: number, j: number): boolean {
  const { problem } = state;
  if (problem.allowed[k * problem.candidates + j] === 0) return false;
  const families = problem.demandFamilies[k]!;
  const weights = problem.demandWeights[k]!;
  for (let at = 0; at < families.length; at += 1) {
    const family = problem.families[families[at]!]!;
    if (family.soft) continue;
    const limit = family.base + family.places[j]!;
    if (state.loads[limit]! + weights[at]! > problem.caps[limit]!) return false;
  }
  if (problem.hasAffinity || problem.affinities[k]!.length > 0) {
    if (affinityBlocks(state, k, j)) return false;
  }
  return problem.guards.length === 0 || !guardBlocks(state, k, j);
}

/** Limits that one more unit of `k` at `j` would break. */
export function blockedLimits(state: SolverState, k: number, j: number): number[] {
  const { problem } = state;
  const blocked: number[] = [];
  const weights = problem.demandWeights[k]!;
  for (const [at, index] of problem.demandFamilies[k]!.entries()) {
    const family = problem.families[index]!;
    const limit = family.base + family.places[j]!;
    if (!family.soft && state.loads[limit]! + weights[at]! > problem.caps[limit]!) blocked.push(limit);
  }
  return blocked;
}

/** Whether an affinity forbids `k` at `j`. What must be together may wait for a partner that is still to be placed. */
export function affinityBlocks(state: SolverState, k: number, j: number): boolean {
  const { problem } = state;
  for (const affinity of problem.affinities[k]!) {
    const place = problem.places[affinity.domain][j]!;
    if (affinity.kind === "apart") {
      if (affinity.settled[place] === 1) return true;
      for (const partner of affinity.partners) if (hasUnit(state, partner, affinity.domain, place)) return true;
    } else if (affinity.settled[place] === 0) {
      const some = affinity.partners.some(
        (partner) => state.remaining[partner]! > 0 || hasUnit(state, partner, affinity.domain, place),
      );
      if (!some) return true;
    }
  }
  return false;
}

function hasUnit(
  state: SolverState,
  k: number,
  domain: "host" | "rack" | "cluster" | "idc" | "pool" | "candidate",
  place: number,
): boolean {
  const { problem, units } = state;
  const places = problem.places[domain];
  for (let j = 0; j < problem.candidates; j += 1) {
    if (places[j] === place && units[k * problem.candidates + j]! > 0) return true;
  }
  return false;
}

function guardBlocks(state: SolverState, k: number, j: number): boolean {
  const { problem } = state;
  const pool = problem.places.pool[j]!;
  for (const [at, guard] of problem.guards.entries()) {
    if (guard.pool !== pool) continue;
    let sum = 0;
    let more = 0;
    for (const [business, claim] of guard.claims.entries()) {
      const longTerm = state.claims[at]![business]!;
      const need = claim.demands.get(k) ?? 0;
      sum += Math.max(claim.guarantee, longTerm + need);
      more += Math.max(claim.guarantee, longTerm + need) - Math.max(claim.guarantee, longTerm);
    }
    if (more > 0 && sum > guard.capacity) return true;
  }
  return false;
}

/** What one more unit of `k` at `j` costs now, in points. With `into` the amounts of its variable parts are added up there. */
export function marginalCost(state: SolverState, k: number, j: number, into: PartAmounts | null = null): number {
  const { problem } = state;
  const team = problem.teams[k]!;
  const host = problem.places.host[j]!;
  const counts = problem.placeCounts;
  const onHost = state.pairsHost[team * counts.host + host]!;
  const inRack = state.pairsRack[team * counts.rack + problem.places.rack[j]!]!;
  const inCluster = state.pairsCluster[team * counts.cluster + problem.places.cluster[j]!]!;
  const profile = problem.profiles[k]!;
  const similar = profile < 0 ? 0 : state.profileUnits[profile * counts.host + host]!;
  let io = 0;
  if (problem.ioHeavy[k]!) io += state.sensitiveUnits[host]!;
  if (problem.ioSensitive[k]!) io += state.heavyUnits[host]!;
  let lost = 0;
  if (problem.bigCpu[j]! >= 0 && problem.demands[k]!.kind === "place") {
    const cpu = problem.freeCpu[host]! - state.usedCpu[host]!;
    const memory = problem.freeMemory[host]! - state.usedMemory[host]!;
    lost =
      bigPlaces(problem.bigCpu[j]!, problem.bigMemory[j]!, cpu, memory) -
      bigPlaces(problem.bigCpu[j]!, problem.bigMemory[j]!, cpu - problem.needCpu[k]!, memory - problem.needMemory[k]!);
  }
  if (into !== null) {
    into[partIndex.hostSpread]! += onHost;
    into[partIndex.rackSpread]! += inRack;
    into[partIndex.clusterSpread]! += inCluster;
    into[partIndex.similarProfile]! += similar;
    into[partIndex.ioConflict]! += io;
    into[partIndex.wholeHosts]! += lost;
  }
  return (
    problem.fixedCosts[k * problem.candidates + j]! +
    scoreWeights.hostSpread * onHost +
    scoreWeights.rackSpread * inRack +
    scoreWeights.clusterSpread * inCluster +
    scoreWeights.similarProfile * similar +
    scoreWeights.ioConflict * io +
    scoreWeights.wholeHosts * lost +
    overflowCost(state, k, j)
  );
}

/** The penalty for what would be over soft limits. */
function overflowCost(state: SolverState, k: number, j: number): number {
  const { problem } = state;
  const soft = problem.softFamilies[k]!;
  if (soft.length === 0) return 0;
  let over = 0;
  for (const at of soft) {
    const family = problem.families[problem.demandFamilies[k]![at]!]!;
    const limit = family.base + family.places[j]!;
    const weight = problem.demandWeights[k]![at]!;
    over += Math.min(weight, Math.max(0, state.loads[limit]! + weight - problem.caps[limit]!)) / weight;
  }
  return over * softPenalty;
}

export function placeUnit(state: SolverState, k: number, j: number): void {
  state.cost += marginalCost(state, k, j);
  change(state, { k, j, sign: 1 });
}

export function unplaceUnit(state: SolverState, k: number, j: number): void {
  change(state, { k, j, sign: -1 });
  state.cost -= marginalCost(state, k, j);
}

function change(state: SolverState, { k, j, sign }: Readonly<{ k: number; j: number; sign: 1 | -1 }>): void {
  const { problem } = state;
  const counts = problem.placeCounts;
  state.units[k * problem.candidates + j]! += sign;
  state.remaining[k]! -= sign;
  const families = problem.demandFamilies[k]!;
  for (let at = 0; at < families.length; at += 1) {
    const family = problem.families[families[at]!]!;
    state.loads[family.base + family.places[j]!]! += sign * problem.demandWeights[k]![at]!;
  }
  const team = problem.teams[k]!;
  const host = problem.places.host[j]!;
  state.pairsHost[team * counts.host + host]! += sign;
  state.pairsRack[team * counts.rack + problem.places.rack[j]!]! += sign;
  state.pairsCluster[team * counts.cluster + problem.places.cluster[j]!]! += sign;
  const profile = problem.profiles[k]!;
  if (profile >= 0) state.profileUnits[profile * counts.host + host]! += sign;
  if (problem.ioHeavy[k]!) state.heavyUnits[host]! += sign;
  if (problem.ioSensitive[k]!) state.sensitiveUnits[host]! += sign;
  if (problem.demands[k]!.kind === "place") {
    state.usedCpu[host]! += sign * problem.needCpu[k]!;
    state.usedMemory[host]! += sign * problem.needMemory[k]!;
  }
  for (const [at, guard] of problem.guards.entries()) {
    if (guard.pool !== problem.places.pool[j]!) continue;
    for (const [business, claim] of guard.claims.entries()) {
      state.claims[at]![business]! += sign * (claim.demands.get(k) ?? 0);
    }
  }
}

/** Whether all that waited for a partner has one now. */
export function affinitiesHold(state: SolverState): boolean {
  const { problem } = state;
  if (!problem.hasAffinity) return true;
  for (let k = 0; k < problem.demands.length; k += 1) {
    for (const affinity of problem.affinities[k]!) {
      for (let j = 0; j < problem.candidates; j += 1) {
        if (state.units[k * problem.candidates + j] === 0) continue;
        const place = problem.places[affinity.domain][j]!;
        const partnered = affinity.partners.some((partner) => hasUnit(state, partner, affinity.domain, place));
        if (
          affinity.kind === "apart"
            ? affinity.settled[place] === 1 || partnered
            : affinity.settled[place] === 0 && !partnered
        ) {
          return false;
        }
      }
    }
  }
  return true;
}

/** The units that are placed, demand by demand. */
export function placedUnits(state: SolverState): { k: number; j: number }[] {
  const { candidates, demands } = state.problem;
  const list: { k: number; j: number }[] = [];
  for (let k = 0; k < demands.length; k += 1) {
    for (let j = 0; j < candidates; j += 1) {
      for (let unit = 0; unit < state.units[k * candidates + j]!; unit += 1) list.push({ k, j });
    }
  }
  return list;
}
