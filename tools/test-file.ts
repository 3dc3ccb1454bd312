import { performance } from "node:perf_hooks";
import { run } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { commandOf, descendantsOf, killAll } from "./process-tree.ts";
import { formatDuration, root } from "./step.ts";

/** Counts of tests (not of files or suites). */
export type TestTotals = { passed: number; failed: number; skipped: number };

// More of what a file printed is cut in the middle: the beginning and the end say most.
const mostOutput = 100_000;
const endGraceMs = 2000;

/**
 * Runs one test file, a path from the root of the checkout. One that is not over after `timeoutMs` (a test that waits for ever, or something it
 * started that keeps it alive) has failed, and is ended with every process that it started.
 */
export async function runTestFile(file: string, timeoutMs: number): Promise<TestTotals> {
  const counts: TestTotals = { passed: 0, failed: 0, skipped: 0 };
  const output: string[] = [];
  const begun: string[] = [];
  const fail = (where: string, error: unknown): void => {
    counts.failed += 1;
    console.log(`    FAILED: ${where}`);
    console.log((typeof error === "string" ? error : inspect(error, { depth: 6 })).replace(/^/gm, "      "));
  };
  const started = performance.now();
  const late = new AbortController();
  let family: readonly number[] = [];
  const timer = setTimeout(() => {
    const tests = descendantsOf(process.pid).filter((pid) => commandOf(pid).includes(`${root}${file}`));
    family = tests.flatMap((pid) => [pid, ...descendantsOf(pid)]);
    late.abort();
  }, timeoutMs);

  for await (const event of run({ cwd: root, files: [`${root}${file}`], signal: late.signal })) {
    if (event.type === "test:stderr" || event.type === "test:stdout") output.push(event.data.message);
    else if (event.type === "test:dequeue") begun.push(event.data.name);
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { data } = event;
    // node:test tells of the file itself as of a test of the file's own name.
    if (data.nesting === 0 && data.name === `${root}${file}`) {
      if (event.type === "test:fail" && !late.signal.aborted) fail(file, event.data.details.error);
      continue;
    }
    if (data.details.type === "suite" && event.type === "test:pass") continue;
    if (data.skip !== undefined || data.todo !== undefined) {
      counts.skipped += 1;
      console.log(`    skipped: ${file}: ${data.name}`);
    } else if (event.type === "test:pass") counts.passed += 1;
    else if (!isOnlyParent(event.data.details.error)) {
      fail(`${file}:${data.line ?? "?"}: ${data.name}`, event.data.details.error);
    }
  }
  clearTimeout(timer);
  if (late.signal.aborted) {
    const last = begun.at(-1);
    fail(
      `${file}: not over after ${formatDuration(timeoutMs)}; ended by force`,
      `the last test that began: ${last ?? "none"}`,
    );
    await sleep(endGraceMs);
    killAll(family);
  } else if (counts.passed + counts.failed + counts.skipped === 0) fail(file, "no test ran in it");
  if (counts.failed > 0) {
    const whole = output.join("");
    const cut = whole.length - mostOutput;
    console.log(`    what ${file} printed:`);
    console.log(
      cut <= 0
        ? whole
        : `${whole.slice(0, mostOutput / 2)}\n[${cut} characters left out]\n${whole.slice(-mostOutput / 2)}`,
    );
  }
  const tests = counts.passed + counts.failed + counts.skipped;
  const took = formatDuration(performance.now() - started);
  console.log(`    ${counts.failed > 0 ? "not ok" : "ok"} ${file}: ${tests} tests, ${took}`);
  return counts;
}

/** A test that failed only since one inside it did is not counted twice. */
function isOnlyParent(error: unknown): boolean {
  return (
    typeof error === "object" && error !== null && "failureType" in error && error.failureType === "subtestsFailed"
  );
}
