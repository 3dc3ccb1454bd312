import type { Language, Text } from "../program/texts.ts";
import { displayWidth } from "./display-width.ts";

/** A column of a table; `wide` ones show with `-o wide` only. */
export type Column<T> = Readonly<{ header: Text; value: (item: T) => unknown; wide?: boolean }>;

/** Lines of a table with aligned columns; what a terminal could take for a command is shown as `?`. */
export function formatTable<T>(
  items: readonly T[],
  columns: readonly Column<T>[],
  options: Readonly<{ language: Language; wide: boolean }>,
): readonly string[] {
  const shown = columns.filter(({ wide }) => options.wide || wide !== true);
  const rows = [
    shown.map(({ header }) => header[options.language]),
    ...items.map((item) => shown.map(({ value }) => cell(value(item)))),
  ];
  const widths = shown.map((_, at) => Math.max(...rows.map((row) => displayWidth(row[at] ?? ""))));
  return rows.map((row) =>
    row
      .map((text, at) => text + " ".repeat((widths[at] ?? 0) - displayWidth(text)))
      .join("  ")
      .trimEnd(),
  );
}

/** A value as one safe line. */
export function cell(value: unknown): string {
  if (value === null || value === undefined || value === "") return "-";
  const text = typeof value === "string" ? value : Array.isArray(value) ? value.join(",") : JSON.stringify(value);
  // eslint-disable-next-line no-control-regex -- control characters are what must not reach the terminal
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "?");
}
