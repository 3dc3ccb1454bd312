import { globSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { formatDuration, root } from "./step.ts";
import { runTestFile, type TestTotals } from "./test-file.ts";
import { stageOf, type TestStage } from "./test-stages.ts";

type Options = Readonly<{
  stage: TestStage;
  /** Keeps the files whose path contains one of these; all when empty. */
  only: readonly string[];
  /** When, on the clock of `performance.now()`, the whole run must be over. */
  deadlineMs: number;
}>;

/**
 * Runs the test files of one stage with node:test, each in a process of its own and each within the stage's time for a file. Prints a line a
 * file as soon as it is over, every failure in full, and what a file that failed has printed.
 */
export async function runTestFiles({ stage, only, deadlineMs }: Options): Promise<TestTotals> {
  const files = globSync(stage.pattern, { cwd: root, exclude: ["**/node_modules/**"] })
    .filter((file) => stageOf(file) === stage.name)
    .filter((file) => only.length === 0 || only.some((part) => file.includes(part)))
    .sort();
  const totals: TestTotals = { passed: 0, failed: 0, skipped: 0 };
  if (files.length === 0) return totals;
  console.log(`==> ${stage.name} tests: ${files.length} files`);
  const started = performance.now();
  const waiting = [...files];
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) {
        totals.failed += 1;
        console.log(`    FAILED: ${file}: not run, the time for the whole run is over`);
        continue;
      }
      const counts = await runTestFile(file, Math.min(stage.timeoutMs, leftMs));
      totals.passed += counts.passed;
      totals.failed += counts.failed;
      totals.skipped += counts.skipped;
    }
  };
  await Promise.all(Array.from({ length: stage.concurrency }, worker));
  console.log(`    ${stage.name} tests: ${formatDuration(performance.now() - started)}`);
  return totals;
}
