import { buildWorld, planPlacement } from "../placement/index.ts";
import { checkPlan } from "./check-plan.ts";
import { exactModel } from "./exact-model.ts";
import { randomCase } from "./random-estate.ts";

/** The cost of the optimum of a model in CPLEX LP text, null when it has no solution. */
export type ExactSolver = (model: string) => number | null;

/**
 * What came of one random case. `missed`: the exact solver has a plan and the engine none. `impossible`: the engine has one that
 * the exact solver says can't be. `ratio`: the engine's score by the optimum's, when both have a plan.
 */
export type Comparison = Readonly<{
  seed: number;
  outcome: "both" | "neither" | "missed" | "impossible";
  proved: boolean;
  /** The refusal's conflict was shown to be minimal. */
  minimal: boolean;
  ratio: number | null;
  violations: readonly string[];
}>;

/** Plans a random case with the engine and with an exact solver, and checks the engine's plan. */
export function compareWithExact(seed: number, solveExact: ExactSolver): Comparison {
  const { estate, request } = randomCase(seed);
  const answer = planPlacement(buildWorld(estate), request);
  const model = exactModel(estate, request);
  const optimum = model.trivial ? null : solveExact(model.text);
  if (answer.outcome === "refusal") {
    const outcome = optimum === null ? "neither" : "missed";
    return { seed, outcome, proved: answer.proved, minimal: answer.minimal, ratio: null, violations: [] };
  }
  const violations = checkPlan(estate, request, answer);
  if (optimum === null) return { seed, outcome: "impossible", proved: false, minimal: false, ratio: null, violations };
  return {
    seed,
    outcome: "both",
    proved: true,
    minimal: false,
    ratio: ratioOf(answer.score.total, optimum),
    violations,
  };
}

function ratioOf(score: number, optimum: number): number {
  if (optimum > 1e-9) return score / optimum;
  return score > 1e-9 ? Number.POSITIVE_INFINITY : 1;
}

export type QualitySummary = Readonly<{
  cases: number;
  plans: number;
  missed: readonly number[];
  impossible: readonly number[];
  unproved: readonly number[];
  notMinimal: readonly number[];
  broken: readonly number[];
  /** Score by optimum: 1 is the optimum. */
  median: number;
  p99: number;
  worst: number;
  /** Below 1 by more than rounding: the two disagree on the score. */
  belowOptimum: readonly number[];
}>;

/** Sums up comparisons; lists are of seeds. */
export function summarize(comparisons: readonly Comparison[]): QualitySummary {
  const seeds = (test: (each: Comparison) => boolean) => comparisons.filter(test).map(({ seed }) => seed);
  const ratios = comparisons.flatMap(({ ratio }) => ratio ?? []).sort((a, b) => a - b);
  const at = (share: number) => ratios[Math.min(ratios.length - 1, Math.floor(ratios.length * share))] ?? 1;
  return {
    cases: comparisons.length,
    plans: ratios.length,
    missed: seeds(({ outcome }) => outcome === "missed"),
    impossible: seeds(({ outcome }) => outcome === "impossible"),
    unproved: seeds(({ outcome, proved }) => outcome === "neither" && !proved),
    notMinimal: seeds(({ outcome, minimal }) => outcome === "neither" && !minimal),
    broken: seeds(({ violations }) => violations.length > 0),
    median: at(0.5),
    p99: at(0.99),
    worst: at(1),
    belowOptimum: seeds(({ ratio }) => ratio !== null && ratio < 1 - 1e-6),
  };
}
