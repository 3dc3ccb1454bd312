import type { OperationAnswer } from "@wcs/api";
import type { changeEstate } from "@wcs/api/estate";
import { cell } from "../output/table.ts";
import type { Output } from "../output/output.ts";

const marks = { created: "+", changed: "~", deleted: "-", unchanged: " " } as const;

type Outcome = OperationAnswer<typeof changeEstate>["outcomes"][number];

/** A line for each document that differs, and one for each of its differences. */
export function sayDifferences(
  output: Output,
  outcomes: readonly (Omit<Outcome, "kind"> & Readonly<{ kind: string }>)[],
): void {
  for (const { kind, name, action, differences = [] } of outcomes) {
    output.line(`${marks[action]} ${kind} ${cell(name)}`);
    for (const { path, from, to } of differences) {
      output.line(`    ${cell(path)}: ${shownValue(from)} -> ${shownValue(to)}`);
    }
  }
}

/** A value of a difference on one line; `-` for a side that lacks it. */
export const shownValue = (value: unknown): string => (value === undefined ? "-" : cell(JSON.stringify(value)));
