// `npm test`: everything. `npm test -- unit integration` runs those stages only; `npm test -- e2e lab` those files of it.
import { performance } from "node:perf_hooks";
import { isLabUp, removeDemoServer } from "./demo/server.ts";
import { descendantsOf, killAll } from "./process-tree.ts";
import { runStaticChecks } from "./static-checks.ts";
import { formatDuration, runProgram, step } from "./step.ts";
import type { TestTotals } from "./test-file.ts";
import { runTestFiles } from "./test-files.ts";
import { testStages, type TestStage } from "./test-stages.ts";

const started = performance.now();
// CI ends a run after 90 minutes without a word; this one ends before that, and says what it did not get to.
const deadlineMs = started + 75 * 60_000;
const watchdogMs = 80 * 60_000;
const words = process.argv.slice(2);
const stageNames = ["static", ...Object.keys(testStages)];
const chosen = words.filter((word) => stageNames.includes(word));
const only = words.filter((word) => !stageNames.includes(word));
const wanted = new Set(chosen.length > 0 ? chosen : stageNames);

const totals: TestTotals = { passed: 0, failed: 0, skipped: 0 };
const watchdog = setTimeout(() => {
  console.log(`\nnot over after ${formatDuration(watchdogMs)}; ended by force`);
  killAll(descendantsOf(process.pid));
  console.log(`${totals.passed} passed, ${totals.failed + 1} failed, ${totals.skipped} skipped`);
  process.exit(1);
}, watchdogMs);
/** Debian packages, the Kubernetes build and the images: what the tests beyond unit need of the machine. */
async function prepare(): Promise<void> {
  const title = "what the machine needs (wcs-lab prepare; the first time, the Kubernetes build takes minutes)";
  if (await step(title, () => runProgram("node_modules/.bin/wcs-lab", ["prepare"]))) return;
  console.log("the machine could not be prepared; the message above says what is missing");
  console.log(`${totals.passed} passed, ${totals.failed + 1} failed`);
  process.exit(1);
}

/** There is one lab on a machine: what `npm run demo` left running is in the way of the e2e tests. */
async function clearTheWay(): Promise<void> {
  if (!isLabUp()) return;
  const title = "taking down the lab that is up, for the e2e tests; `npm run demo` brings it back";
  const isDown = await step(title, async () => {
    await removeDemoServer();
    return runProgram("node_modules/.bin/wcs-lab", ["down"]);
  });
  if (isDown) return;
  totals.failed += 1;
  console.log("    FAILED: the lab that is up could not be taken down");
}

if (wanted.has("static")) {
  const statics = await runStaticChecks();
  totals.passed += statics.passed;
  totals.failed += statics.failed.length;
}
const runStage = async (stage: TestStage): Promise<void> => {
  if (!wanted.has(stage.name)) return;
  const counts = await runTestFiles({ stage, only, deadlineMs });
  totals.passed += counts.passed;
  totals.failed += counts.failed;
  totals.skipped += counts.skipped;
};
const { unit, integration, e2e } = testStages;
await runStage(unit);
if (wanted.has("integration") || wanted.has("e2e")) await prepare();
if (wanted.has("e2e")) await clearTheWay();
// The e2e tests mostly wait for the lab, and what the integration tests make has names and places of its own.
await Promise.all([runStage(integration), runStage(e2e)]);
if (totals.passed + totals.failed === 0) {
  console.log(`no test matches: ${words.join(" ")}`);
  totals.failed += 1;
}
clearTimeout(watchdog);
console.log(`\ntook ${formatDuration(performance.now() - started)}`);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed === 0 ? 0 : 1;
