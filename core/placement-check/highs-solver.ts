import highsLoader from "highs";
import type { ExactSolver } from "./compare-with-exact.ts";

/** HiGHS (MIT licence, compiled to WebAssembly) as the exact solver. For tests and benches only. */
export async function createHighsSolver(): Promise<ExactSolver> {
  // The package's types describe its CommonJS build, where the function is under `default`; the ES build exports it itself.
  const load = highsLoader as unknown as typeof highsLoader.default;
  const highs = await load();
  return (model) => {
    const solution = highs.solve(model);
    if (solution.Status === "Optimal") return solution.ObjectiveValue;
    if (solution.Status === "Infeasible") return null;
    throw new Error(`HiGHS ended with ${solution.Status}`);
  };
}
