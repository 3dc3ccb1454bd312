import { compileProblem } from "./compile-problem.ts";
import type { DemandSet } from "./demand.ts";
import type { Contradiction, Family, Problem } from "./problem.ts";
import type { ConstraintKey } from "./rule-names.ts";
import { solve } from "./solve.ts";
import { placedUnits, type SolverState } from "./solver-state.ts";
import type { World } from "./world.ts";

/** How far a plan goes over a limit: `place` is the index of the host, rack, cluster, IDC or pool in the world. */
export type Overflow = Readonly<{ family: Family; place: number; amount: number }>;

/** A plan that keeps all but the soft constraints, and what it lacks of these. */
export type SoftSolution = Readonly<{
  problem: Problem;
  state: SolverState;
  overflows: readonly Overflow[];
  contradictions: readonly Contradiction[];
  /** Hosts used although they break a static rule that was soft. */
  broken: ReadonlyMap<ConstraintKey, readonly number[]>;
}>;

/** Effort to make what is lacking small; a refusal asks for several such plans. */
const improvement = 40_000;

/** Plans with some constraints soft: as little as possible is over them. Null: there is no plan even so. */
export function solveSoftly(world: World, set: DemandSet, soft: ReadonlySet<ConstraintKey>): SoftSolution | null {
  const problem = compileProblem(world, set, { soft });
  const solution = solve(world, problem, { improvement });
  if (solution.outcome !== "plan") return null;
  const { state } = solution;
  const overflows: Overflow[] = [];
  for (const family of problem.families) {
    if (!family.soft) continue;
    for (let place = 0; place < family.size; place += 1) {
      // What is over before the plan counts only when the plan adds to it.
      const load = state.loads[family.base + place]!;
      const amount = load - problem.caps[family.base + place]!;
      if (load > 0 && amount > 0) {
        overflows.push({ family, place: problem.placeIndexes[family.domain][place]!, amount });
      }
    }
  }
  const broken = new Map<ConstraintKey, number[]>();
  for (const { k, j } of placedUnits(state)) {
    for (const key of problem.softRules.get(k * problem.candidates + j) ?? []) {
      const hosts = broken.get(key) ?? [];
      if (!hosts.includes(problem.hosts[j]!)) hosts.push(problem.hosts[j]!);
      broken.set(key, hosts);
    }
  }
  return {
    problem,
    state,
    overflows,
    contradictions: problem.contradictions.filter(({ key }) => soft.has(key)),
    broken,
  };
}
