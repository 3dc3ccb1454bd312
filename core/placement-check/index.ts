export { checkPlan } from "./check-plan.ts";
export { compareWithExact, summarize } from "./compare-with-exact.ts";
export { createHighsSolver } from "./highs-solver.ts";
export { digestWorld } from "./digest-world.ts";
export { estateAfter } from "./estate-view.ts";
export { randomCase } from "./random-estate.ts";
