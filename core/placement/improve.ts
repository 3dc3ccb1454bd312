import {
  affinitiesHold,
  fits,
  marginalCost,
  placedUnits,
  placeUnit,
  unplaceUnit,
  type SolverState,
} from "./solver-state.ts";

/** Points that a step must save: more than what adding up in another order changes. */
const worthwhile = 1e-6;

/**
 * Local search on a full plan: a unit goes where it costs less, two units change places, until neither helps or the effort is
 * spent. Every step keeps every rule.
 */
export function improve(state: SolverState, { effort, swaps }: Readonly<{ effort: number; swaps: boolean }>): void {
  const limit = state.effort + effort;
  for (let better = true; better && state.effort < limit;) {
    better = moveUnits(state, limit);
    if (!better && swaps) better = swapUnits(state, limit);
  }
}

function moveUnits(state: SolverState, limit: number): boolean {
  const { problem } = state;
  let better = false;
  let last = { k: -1, j: -1 };
  for (const unit of placedUnits(state)) {
    // Of equal units at one place, trying the first is enough.
    if (unit.k === last.k && unit.j === last.j) continue;
    last = unit;
    if (state.effort > limit) return better;
    unplaceUnit(state, unit.k, unit.j);
    const own = marginalCost(state, unit.k, unit.j);
    let best = unit.j;
    let bestCost = own - worthwhile;
    state.effort += 1 + (problem.candidates >> 2);
    for (let j = 0; j < problem.candidates; j += 1) {
      if (j === unit.j || problem.allowed[unit.k * problem.candidates + j] === 0) continue;
      const cost = marginalCost(state, unit.k, j);
      if (cost > bestCost || !fits(state, unit.k, j)) continue;
      if (cost < bestCost || (best !== unit.j && problem.tieKeys[j]! < problem.tieKeys[best]!)) {
        best = j;
        bestCost = cost;
      }
    }
    placeUnit(state, unit.k, best);
    if (best === unit.j) continue;
    if (affinitiesHold(state)) {
      better = true;
      continue;
    }
    unplaceUnit(state, unit.k, best);
    placeUnit(state, unit.k, unit.j);
  }
  return better;
}

/** Two units of different demands change places, or one goes where another is while that goes elsewhere. */
function swapUnits(state: SolverState, limit: number): boolean {
  const { problem } = state;
  const units = placedUnits(state);
  for (const [at, a] of units.entries()) {
    for (const b of units.slice(at + 1)) {
      if (state.effort > limit) return false;
      if (a.j === b.j) continue;
      const before = state.cost;
      unplaceUnit(state, a.k, a.j);
      unplaceUnit(state, b.k, b.j);
      if (a.k !== b.k && tryPair(state, { k: a.k, j: b.j }, { k: b.k, j: a.j }, before)) return true;
      if (tryElsewhere(state, { k: a.k, j: b.j }, b.k, before)) return true;
      if (tryElsewhere(state, { k: b.k, j: a.j }, a.k, before)) return true;
      placeUnit(state, a.k, a.j);
      placeUnit(state, b.k, b.j);
      state.cost = before;
      state.effort += 1 + (problem.candidates >> 1);
    }
  }
  return false;
}

type Unit = Readonly<{ k: number; j: number }>;

function tryPair(state: SolverState, a: Unit, b: Unit, before: number): boolean {
  if (!fits(state, a.k, a.j)) return false;
  placeUnit(state, a.k, a.j);
  if (fits(state, b.k, b.j)) {
    placeUnit(state, b.k, b.j);
    if (state.cost < before - worthwhile && affinitiesHold(state)) return true;
    unplaceUnit(state, b.k, b.j);
  }
  unplaceUnit(state, a.k, a.j);
  return false;
}

/** `a` as said, and a unit of demand `other` wherever it is cheapest then. */
function tryElsewhere(state: SolverState, a: Unit, other: number, before: number): boolean {
  const { problem } = state;
  if (!fits(state, a.k, a.j)) return false;
  placeUnit(state, a.k, a.j);
  let best = -1;
  let bestCost = before - worthwhile - state.cost;
  for (let j = 0; j < problem.candidates; j += 1) {
    if (problem.allowed[other * problem.candidates + j] === 0) continue;
    const cost = marginalCost(state, other, j);
    if (cost < bestCost && fits(state, other, j)) {
      best = j;
      bestCost = cost;
    }
  }
  if (best >= 0) {
    placeUnit(state, other, best);
    if (affinitiesHold(state)) return true;
    unplaceUnit(state, other, best);
  }
  unplaceUnit(state, a.k, a.j);
  return false;
}
