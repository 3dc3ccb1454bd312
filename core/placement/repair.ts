import {
  blockedLimits,
  fits,
  marginalCost,
  placedUnits,
  placeUnit,
  unplaceUnit,
  type SolverState,
} from "./solver-state.ts";

const deepest = 4;

/**
 * Places the remaining units of `k` by moving units that are in the way, and those in their way, some steps deep. Returns
 * whether all are placed; else the state is as before.
 */
export function placeByMoving(state: SolverState, k: number, effortLimit: number): boolean {
  while (state.remaining[k]! > 0) {
    if (!force(state, k, { depth: deepest, avoid: -1, effortLimit })) return false;
  }
  return true;
}

type Chain = Readonly<{ depth: number; avoid: number; effortLimit: number }>;

function force(state: SolverState, k: number, { depth, avoid, effortLimit }: Chain): boolean {
  const { problem } = state;
  let best = -1;
  let bestCost = Number.POSITIVE_INFINITY;
  const blocked: { j: number; limits: number[] }[] = [];
  state.effort += problem.candidates;
  for (let j = 0; j < problem.candidates; j += 1) {
    if (j === avoid || problem.allowed[k * problem.candidates + j] === 0) continue;
    if (fits(state, k, j)) {
      const cost = marginalCost(state, k, j);
      if (cost < bestCost || (cost === bestCost && problem.tieKeys[j]! < problem.tieKeys[best]!)) {
        best = j;
        bestCost = cost;
      }
    } else if (best < 0 && depth > 0) {
      blocked.push({ j, limits: blockedLimits(state, k, j) });
    }
  }
  if (best >= 0) {
    placeUnit(state, k, best);
    return true;
  }
  if (depth === 0) return false;
  blocked.sort((a, b) => a.limits.length - b.limits.length || problem.tieKeys[a.j]! - problem.tieKeys[b.j]!);
  const placed = placedUnits(state);
  for (const { j, limits } of blocked) {
    const first = limits[0];
    for (const unit of placed) {
      if (state.effort > effortLimit) return false;
      if (first !== undefined && !bears(state, unit, first)) continue;
      if (state.units[unit.k * problem.candidates + unit.j] === 0) continue;
      unplaceUnit(state, unit.k, unit.j);
      if (fits(state, k, j)) {
        placeUnit(state, k, j);
        if (force(state, unit.k, { depth: depth - 1, avoid: unit.j, effortLimit })) return true;
        unplaceUnit(state, k, j);
      }
      placeUnit(state, unit.k, unit.j);
      state.effort += 1;
    }
  }
  return false;
}

/** Whether a unit adds to the load of a limit. */
function bears(state: SolverState, { k, j }: Readonly<{ k: number; j: number }>, limit: number): boolean {
  const { problem } = state;
  return problem.demandFamilies[k]!.some((index) => {
    const family = problem.families[index]!;
    return limit === family.base + family.places[j]!;
  });
}
