// The engine beside HiGHS on thousands of random small estates: `npm run bench -- placement-quality [--cases N] [--json]`.
import { compareWithExact, createHighsSolver, summarize } from "@wcs/core/placement-check";
import { createFigurePrinter } from "./figure.ts";

const args = process.argv.slice(2);
const wanted = args.indexOf("--cases");
const cases = wanted < 0 ? 5_000 : Number(args[wanted + 1]);
const print = createFigurePrinter(args);

const solveExact = await createHighsSolver();
const summary = summarize(Array.from({ length: cases }, (_, at) => compareWithExact(at + 1, solveExact)));
const of = (name: string, value: number, unit: string) => print({ name: `placement quality: ${name}`, value, unit });
of("random estates", summary.cases, "cases");
of("with a plan", summary.plans, "cases");
of("plans that HiGHS found and the engine did not", summary.missed.length, "cases");
of("plans that HiGHS says can't be", summary.impossible.length, "cases");
of("refusals without a proof", summary.unproved.length, "cases");
of("refusals whose conflict was not shown to be minimal", summary.notMinimal.length, "cases");
of("plans that break a rule", summary.broken.length, "cases");
of("score by optimum, median", summary.median, "(1 is the optimum)");
of("score by optimum, p99", summary.p99, "(1 is the optimum)");
of("score by optimum, worst", summary.worst, "(1 is the optimum)");
for (const [what, seeds] of Object.entries(summary)) {
  if (Array.isArray(seeds) && seeds.length > 0) console.error(`${what}: seeds ${seeds.slice(0, 20).join(", ")}`);
}
const wrong = [summary.missed, summary.impossible, summary.broken, summary.belowOptimum].some(
  (list) => list.length > 0,
);
if (wrong || summary.median > 1.05) process.exitCode = 1;
