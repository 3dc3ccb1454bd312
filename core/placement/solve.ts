import { lacksInAll, mostUnits } from "./bound.ts";
import { searchAll } from "./exact-search.ts";
import { placeGreedily } from "./greedy.ts";
import { improve } from "./improve.ts";
import type { Problem } from "./problem.ts";
import { placeByMoving } from "./repair.ts";
import { affinitiesHold, createState, fits, type SolverState } from "./solver-state.ts";
import type { World } from "./world.ts";

/** `none`: it was proved that there is no plan. `unknown`: the limit of effort was reached first. */
export type Solution = Readonly<{ outcome: "plan"; state: SolverState }> | Readonly<{ outcome: "none" | "unknown" }>;

/** Steps of search; a few hundred nanoseconds each. Limits are counts, not times, so that the same input gives the same plan. */
const repairEffort = 200_000;
const searchEffort = 400_000;
/** A question of the refusal's filter, of which there are many, gets less. */
const questionShare = 8;
const mostImprovement = 300_000;
/** Problems with more pairs of unit and candidate than this are improved by single moves only. */
const swapSize = 20_000;

/**
 * Finds a plan: greedily first, then by moving what is in the way, then by looking through all plans within a limit of effort;
 * and improves it. `feasibleOnly`: any plan will do, and less effort is made. `improvement`: effort to improve a plan.
 */
export function solve(
  world: World,
  problem: Problem,
  { feasibleOnly = false, improvement = mostImprovement } = {},
): Solution {
  if (problem.contradictions.some(({ key }) => !isSoft(problem, key))) return { outcome: "none" };
  let order = demandOrder(problem);
  let state = createState(problem);
  for (let round = 0; round <= problem.demands.length; round += 1) {
    const failed = greedyRound(state, order);
    if (failed === null && affinitiesHold(state)) {
      return { outcome: "plan", state: finish(state, feasibleOnly ? 0 : improvement) };
    }
    if (failed === null || order[0] === failed) break;
    // What did not fit goes first the next time ("squeaky wheel").
    order = [failed, ...order.filter((k) => k !== failed)];
    state = createState(problem);
  }
  if (!problem.complete) return { outcome: "unknown" };
  const empty = createState(problem);
  if (lacksInAll(empty)) return { outcome: "none" };
  for (const [k, demand] of problem.demands.entries()) {
    const wanted = demand.count;
    if (mostUnits(empty, k, { wanted, order: null, from: 0 }) < wanted) return { outcome: "none" };
  }
  const share = feasibleOnly ? questionShare : 1;
  const effortLimit = state.effort + repairEffort / share;
  if (order.every((k) => placeByMoving(state, k, effortLimit)) && affinitiesHold(state)) {
    return { outcome: "plan", state: finish(state, feasibleOnly ? 0 : improvement) };
  }
  const searched = createState(problem);
  const outcome = searchAll(world, searched, { order: searchOrder(problem, order), effortLimit: searchEffort / share });
  if (outcome === "found") return { outcome: "plan", state: finish(searched, feasibleOnly ? 0 : improvement) };
  return { outcome: outcome === "none" ? "none" : "unknown" };
}

/** Places what it can; returns the first demand that did not fit. */
function greedyRound(state: SolverState, order: readonly number[]): number | null {
  let failed: number | null = null;
  for (const k of order) if (!placeGreedily(state, k)) failed ??= k;
  return failed;
}

/** Improves a plan; small ones a second time from a plan made in the opposite order, of which the cheaper is taken. */
function finish(state: SolverState, effort: number): SolverState {
  if (effort === 0) return state;
  const { problem } = state;
  const units = problem.demands.reduce((sum, demand) => sum + demand.count, 0);
  // On a shortlist, equal units placed one by one at least cost leave next to nothing to gain: costs rise with every unit.
  if (!problem.complete && problem.demands.length === 1) return state;
  const swaps = problem.complete && units * problem.candidates <= swapSize;
  improve(state, { effort, swaps });
  if (!swaps || problem.demands.length < 2) return state;
  const other = createState(problem);
  if (greedyRound(other, demandOrder(problem).reverse()) !== null || !affinitiesHold(other)) return state;
  improve(other, { effort, swaps });
  return other.cost < state.cost - 1e-9 ? other : state;
}

/**
 * Those that others must be together with come first, then those with fewer hosts to go to, then the larger ones. Ties are
 * broken by the order of the request.
 */
function demandOrder(problem: Problem): number[] {
  const { demands } = problem;
  if (demands.length === 1) return [0];
  const empty = createState(problem);
  const choices = demands.map((_, k) => {
    let count = 0;
    for (let j = 0; j < problem.candidates; j += 1) if (fits(empty, k, j)) count += 1;
    return count;
  });
  const size = (k: number) => problem.needCpu[k]! * problem.needMemory[k]!;
  const sorted = [...demands.keys()].sort((a, b) => choices[a]! - choices[b]! || size(b) - size(a) || a - b);
  return partnersFirst(problem, sorted);
}

/** Keeps an order, but that a demand comes after those that it must be together with, unless they want each other. */
function partnersFirst(problem: Problem, sorted: readonly number[]): number[] {
  const order: number[] = [];
  const visiting = new Set<number>();
  const visit = (k: number) => {
    if (visiting.has(k)) return;
    visiting.add(k);
    for (const affinity of problem.affinities[k]!) {
      if (affinity.kind === "together") for (const partner of affinity.partners) visit(partner);
    }
    order.push(k);
  };
  for (const k of sorted) visit(k);
  return order;
}

function searchOrder(problem: Problem, order: readonly number[]): number[] {
  return partnersFirst(problem, order);
}

function isSoft(problem: Problem, key: string): boolean {
  return problem.families.some((family) => family.key === key && family.soft);
}
