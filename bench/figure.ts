/** One measured figure. `baseline`: what it is compared with, measured in the same run or promised; `ratio`: value by baseline. */
export type Figure = Readonly<{
  name: string;
  value: number;
  unit: string;
  baseline?: number;
  baselineIs?: string;
}>;

/** Prints figures as they come: a JSON line each with `--json` on the command line, else a line for people. */
export function createFigurePrinter(args: readonly string[]): (figure: Figure) => void {
  const json = args.includes("--json");
  return ({ name, value, unit, baseline, baselineIs }) => {
    const ratio = baseline === undefined || baseline === 0 ? null : value / baseline;
    if (json) {
      console.log(
        JSON.stringify({ name, value, unit, baseline: baseline ?? null, ratio, baselineIs: baselineIs ?? null }),
      );
      return;
    }
    const against = baseline === undefined ? "" : `   (${baselineIs ?? "baseline"}: ${rounded(baseline)} ${unit})`;
    console.log(`${name.padEnd(56)} ${rounded(value).padStart(12)} ${unit}${against}`);
  };
}

function rounded(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en");
  return value.toPrecision(4);
}

/** The value below which the given share of a sample lies. Sorts the sample. */
export function percentile(sample: number[], share: number): number {
  sample.sort((a, b) => a - b);
  return sample[Math.min(sample.length - 1, Math.floor(sample.length * share))] ?? Number.NaN;
}
