// `npm run check`: what must hold before a commit and takes seconds: format, lint, boundaries, types, unused code, unit tests.
import { runStaticChecks } from "./static-checks.ts";
import { testStages } from "./test-stages.ts";
import { runTestFiles } from "./test-files.ts";

const statics = await runStaticChecks();
const totals = await runTestFiles({ stage: testStages.unit, only: process.argv.slice(2), deadlineMs: Infinity });
const failed = statics.failed.length + totals.failed;
console.log(`\n${statics.passed + totals.passed} passed, ${failed} failed, ${totals.skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
