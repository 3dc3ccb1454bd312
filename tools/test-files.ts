import { globSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { relative } from "node:path";
import { run } from "node:test";
import { inspect } from "node:util";
import { formatDuration, root } from "./step.ts";
import { stageOf, type TestStage } from "./test-stages.ts";

/** Counts of tests (not of files or suites). */
export type TestTotals = { passed: number; failed: number; skipped: number };

type Options = Readonly<{ stage: TestStage; only: readonly string[] }>;

/**
 * Runs the test files of one stage with node:test, each in its own process. `only` keeps the files whose path starts with
 * or contains one of its strings; an empty list keeps all. Prints a line a file, and every failure in full.
 */
export async function runTestFiles({ stage, only }: Options): Promise<TestTotals> {
  const files = globSync(stage.pattern, { cwd: root, exclude: ["**/node_modules/**"] })
    .filter((file) => stageOf(file) === stage.name)
    .filter((file) => only.length === 0 || only.some((part) => file.includes(part)))
    .sort();
  const totals: TestTotals = { passed: 0, failed: 0, skipped: 0 };
  if (files.length === 0) return totals;

  console.log(`==> ${stage.name} tests: ${files.length} files`);
  const started = performance.now();
  const perFile = new Map<string, TestTotals & { durationMs: number }>();
  const countsOf = (file: string) => {
    const counts = perFile.get(file) ?? { passed: 0, failed: 0, skipped: 0, durationMs: 0 };
    perFile.set(file, counts);
    return counts;
  };
  const told = new Set<string>();
  /** Says how a file went, as soon as it is over. */
  const tell = (file: string) => {
    const counts = perFile.get(file);
    if (counts === undefined || told.has(file)) return;
    told.add(file);
    const tests = counts.passed + counts.failed + counts.skipped;
    console.log(
      `    ${counts.failed > 0 ? "not ok" : "ok"} ${file}: ${tests} tests, ${formatDuration(counts.durationMs)}`,
    );
  };
  const nameOf = (file: string | undefined) => relative(root, file ?? "(unknown file)");

  const events = run({
    cwd: root,
    files: files.map((file) => `${root}${file}`),
    concurrency: stage.concurrency,
    timeout: stage.timeoutMs,
  });
  for await (const event of events) {
    if (event.type === "test:stderr" || event.type === "test:stdout") {
      process.stderr.write(event.data.message);
    } else if (event.type === "test:summary") {
      if (event.data.file !== undefined) tell(nameOf(event.data.file));
    } else if (event.type === "test:pass" || event.type === "test:fail") {
      const { data } = event;
      const counts = countsOf(nameOf(data.file));
      if (data.nesting === 0) counts.durationMs += data.details.duration_ms;
      // node:test passes a file in which no test ran, or which left early, as one test of the file's own name
      if (event.type === "test:pass" && data.nesting === 0 && data.name === data.file) {
        if (counts.passed + counts.failed + counts.skipped === 0) perFile.delete(nameOf(data.file));
        continue;
      }
      if (data.details.type === "suite" && event.type === "test:pass") continue;
      if (data.skip !== undefined || data.todo !== undefined) {
        counts.skipped += 1;
        console.log(`    skipped: ${nameOf(data.file)}: ${data.name}`);
      } else if (event.type === "test:pass") counts.passed += 1;
      else if (isOnlyParent(event.data.details.error)) continue;
      else {
        counts.failed += 1;
        console.log(`    FAILED: ${nameOf(data.file)}:${data.line ?? "?"}: ${data.name}`);
        console.log(inspect(event.data.details.error, { depth: 6 }).replace(/^/gm, "      "));
      }
    }
  }
  for (const [file, counts] of perFile) {
    tell(file);
    totals.passed += counts.passed;
    totals.failed += counts.failed;
    totals.skipped += counts.skipped;
  }
  for (const file of files) {
    if (perFile.has(file)) continue;
    totals.failed += 1;
    console.log(`    FAILED: ${file}: no test ran in it`);
  }
  console.log(`    ${stage.name} tests: ${formatDuration(performance.now() - started)}`);
  return totals;
}

/** A test that failed only since one inside it did is not counted twice. */
function isOnlyParent(error: unknown): boolean {
  return (
    typeof error === "object" && error !== null && "failureType" in error && error.failureType === "subtestsFailed"
  );
}
