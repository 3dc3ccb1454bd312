import { nextReleaseSteps, type ReleaseFacts, type ReleaseProgress } from "./next-release-steps.ts";

/**
 * What to do next for a release as if those instances whose gates hold now had been written down as passed, which the caller does first: so one look passes
 * a batch and begins the next. `progress` has no step `pass` then. The facts must reach to the batch after the one that is worked on.
 */
export function stepsAfterPasses(
  facts: ReleaseFacts,
): Readonly<{ passed: readonly string[]; progress: ReleaseProgress }> {
  const targets = new Map(facts.targets);
  const passed: string[] = [];
  for (;;) {
    const progress = nextReleaseSteps({ ...facts, targets });
    const passing = progress.steps.filter(({ step }) => step === "pass");
    if (passing.length === 0) return { passed, progress };
    for (const { instance } of passing) {
      const target = targets.get(instance);
      if (target === undefined) throw new TypeError(`nothing is known of ${instance}`);
      targets.set(instance, { ...target, passed: true });
      passed.push(instance);
    }
  }
}
