/** A line of an instance's log. `at` is RFC 3339 with nanoseconds in UTC, so that its text sorts as time does. */
export type TimedLine = Readonly<{ source: string; at: string; text: string }>;

/** The whole lines (`TIME STREAM TEXT`) of a piece of a log, and what is left of the last. */
export function splitLines(source: string, text: string): Readonly<{ lines: readonly TimedLine[]; left: string }> {
  const parts = text.split("\n");
  const left = parts.pop() ?? "";
  const lines = parts.flatMap((line): TimedLine[] => {
    const [, at, rest] = /^(\S+) (?:stdout|stderr) (.*)$/s.exec(line) ?? [];
    return at === undefined || rest === undefined ? [] : [{ source, at, text: rest }];
  });
  return { lines, left };
}
