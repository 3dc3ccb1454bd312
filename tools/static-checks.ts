import { runProgram, step } from "./step.ts";

const checks = [
  { title: "format (oxfmt)", file: "oxfmt", args: ["--check"], mend: "npm run format" },
  { title: "lint and import boundaries (oxlint, type-aware)", file: "oxlint", args: [], mend: "npx oxlint --fix" },
  { title: "types (tsc)", file: "tsc", args: ["--noEmit"], mend: null },
  { title: "unused code (knip)", file: "knip", args: ["--no-progress"], mend: null },
] as const;

/** Format, lint, boundaries, types, unused code. Returns the titles of the checks that failed. */
export async function runStaticChecks(): Promise<{ passed: number; failed: string[] }> {
  const failed: string[] = [];
  for (const check of checks) {
    const ok = await step(check.title, () => runProgram(`node_modules/.bin/${check.file}`, check.args));
    if (!ok) {
      failed.push(check.title);
      console.log(`    failed: ${check.title}${check.mend ? ` (try: ${check.mend})` : ""}`);
    }
  }
  return { passed: checks.length - failed.length, failed };
}
