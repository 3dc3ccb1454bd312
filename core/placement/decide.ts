import { compileProblem } from "./compile-problem.ts";
import type { DemandSet } from "./demand.ts";
import type { Problem } from "./problem.ts";
import { solve, type Solution } from "./solve.ts";
import type { World } from "./world.ts";

/** Solves on the hosts that look best, and on all when that is not enough. `feasibleOnly`: any plan will do, with less effort. */
export function decide(
  world: World,
  set: DemandSet,
  { feasibleOnly = false } = {},
): Readonly<{ problem: Problem; solution: Solution }> {
  const quick = compileProblem(world, set, { quick: true });
  const first = solve(world, quick, { feasibleOnly });
  if (first.outcome !== "unknown" || quick.complete) return { problem: quick, solution: first };
  const problem = compileProblem(world, set);
  return { problem, solution: solve(world, problem, { feasibleOnly }) };
}
