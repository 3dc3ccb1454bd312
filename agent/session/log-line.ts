/** A line of a container's log. `at` is RFC 3339 with nanoseconds, as the runtime wrote it. */
export type LogLine = Readonly<{ at: string; stream: "stdout" | "stderr"; text: string }>;

/** Reads a line as container runtimes write it: `TIME stdout|stderr P|F TEXT` (Kubernetes' CRI logging design). Null when it is none. */
export function parseLogLine(line: string): LogLine | null {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) [PF](?::\w+)* ?(.*)$/s.exec(
    line,
  );
  const [, at, stream, text] = match ?? [];
  return at === undefined || text === undefined ? null : { at, stream: stream as LogLine["stream"], text };
}

/** Whether a line is one that was asked for. */
export function createLineFilter({
  sinceMs,
  contains,
}: Readonly<{ sinceMs: number | null; contains: string | null }>): (line: LogLine) => boolean {
  return ({ at, text }) =>
    (sinceMs === null || Date.parse(at) >= sinceMs) && (contains === null || text.includes(contains));
}
