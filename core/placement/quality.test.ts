import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { compareWithExact, createHighsSolver, summarize } from "../placement-check/index.ts";

/** The first seeds; `npm run bench -- placement-quality` runs thousands. */
const cases = 400;

describe("placement beside an exact solver (HiGHS) on random small estates", () => {
  let summary: ReturnType<typeof summarize>;
  before(async () => {
    const solveExact = await createHighsSolver();
    const comparisons = Array.from({ length: cases }, (_, seed) => compareWithExact(seed + 1, solveExact));
    summary = summarize(comparisons);
  });

  it("finds a plan whenever there is one, and none when there is none", () => {
    assert.ok(summary.plans >= cases / 5, `only ${summary.plans} cases have a plan`);
    assert.deepEqual(summary.missed, []);
    assert.deepEqual(summary.impossible, []);
  });

  it("proves every refusal, and nearly always that its conflict is minimal", () => {
    assert.deepEqual(summary.unproved, []);
    assert.ok(summary.notMinimal.length <= cases / 100, `not shown to be minimal: ${summary.notMinimal.join()}`);
  });

  it("breaks no hard rule, as the independent checker sees it", () => {
    assert.deepEqual(summary.broken, []);
  });

  it("scores within 5% of the optimum in the median, and agrees on what the score is", () => {
    assert.ok(summary.median <= 1.05, `median ${summary.median}`);
    assert.deepEqual(summary.belowOptimum, []);
  });
});
