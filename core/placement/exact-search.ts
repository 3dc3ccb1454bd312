import { lacksInAll, mostUnits } from "./bound.ts";
import { resourceCount, type World } from "./world.ts";
import { affinitiesHold, fits, marginalCost, placeUnit, unplaceUnit, type SolverState } from "./solver-state.ts";

export type SearchOutcome = "found" | "none" | "gave-up";

/**
 * Looks through all plans, demand by demand, cheapest candidates first; equal units go in the order of the candidates, and of
 * equal untouched hosts only the first is tried. What can't be completed is seen early by `mostUnits` and `lacksInAll`. The state
 * holds the plan when one is found. `gave-up`: `effortLimit` was reached.
 */
export function searchAll(
  world: World,
  state: SolverState,
  { order, effortLimit }: Readonly<{ order: readonly number[]; effortLimit: number }>,
): SearchOutcome {
  const { problem } = state;
  const classes = equalHosts(world, state);
  const touched = new Int32Array(problem.placeCounts.host);
  let gaveUp = false;

  const nextDemand = (at: number): boolean => {
    if (at === order.length) return affinitiesHold(state);
    if (lacksInAll(state)) return false;
    for (const k of order.slice(at)) {
      const wanted = state.remaining[k]!;
      if (mostUnits(state, k, { wanted, order: null, from: 0 }) < wanted) return false;
    }
    const k = order[at]!;
    const candidates: number[] = [];
    for (let j = 0; j < problem.candidates; j += 1) {
      if (problem.allowed[k * problem.candidates + j] === 1) candidates.push(j);
    }
    const costs = new Map(candidates.map((j) => [j, marginalCost(state, k, j)]));
    candidates.sort((a, b) => costs.get(a)! - costs.get(b)! || problem.tieKeys[a]! - problem.tieKeys[b]!);
    return nextUnit(at, candidates, 0);
  };

  const nextUnit = (at: number, candidates: readonly number[], from: number): boolean => {
    const k = order[at]!;
    const wanted = state.remaining[k]!;
    if (wanted === 0) return nextDemand(at + 1);
    const tried = new Set<string>();
    for (let next = from; next < candidates.length; next += 1) {
      if (state.effort > effortLimit) {
        gaveUp = true;
        return false;
      }
      state.effort += 1;
      const j = candidates[next]!;
      if (!fits(state, k, j)) continue;
      const host = problem.places.host[j]!;
      if (touched[host] === 0) {
        if (tried.has(classes[j]!)) continue;
        tried.add(classes[j]!);
      }
      // What is left must fit on this and the later candidates; when it does not, it does not from any later one either.
      if (mostUnits(state, k, { wanted, order: candidates, from: next }) < wanted) return false;
      placeUnit(state, k, j);
      touched[host]! += 1;
      if (nextUnit(at, candidates, next)) return true;
      touched[host]! -= 1;
      unplaceUnit(state, k, j);
      if (gaveUp) return false;
    }
    return false;
  };

  if (nextDemand(0)) return "found";
  return gaveUp ? "gave-up" : "none";
}

/** A name for each candidate: candidates of one name can be exchanged in any plan. */
function equalHosts(world: World, state: SolverState): string[] {
  const { problem } = state;
  return Array.from({ length: problem.candidates }, (_, j) => {
    const host = problem.hosts[j]!;
    const place = problem.places.host[j]!;
    if (problem.instances[j]! >= 0) return `${host}/kept`;
    const parts: (number | string)[] = [world.hosts.cell[host]!];
    for (let r = 0; r < resourceCount; r += 1) parts.push(world.hosts.free[host * resourceCount + r]!);
    for (let k = 0; k < problem.demands.length; k += 1) {
      parts.push(problem.allowed[k * problem.candidates + j]!);
      parts.push(problem.softRules.get(k * problem.candidates + j)?.join() ?? "");
      for (const affinity of problem.affinities[k]!) {
        if (affinity.domain === "host") parts.push(affinity.settled[place]!);
      }
    }
    for (const family of problem.families) if (family.domain === "host") parts.push(problem.caps[family.base + place]!);
    return parts.join("/");
  });
}
