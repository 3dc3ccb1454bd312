/**
 * A time in which nothing is changed: once, from one local date and time to another, or every week on some days. Times are of the window's own
 * time zone (IANA). `from` belongs to it and `to` does not.
 */
export type FreezeWindow = Readonly<{
  name: string;
  environments: readonly string[];
  timeZone: string;
  when:
    | Readonly<{ from: string; to: string }>
    /** ISO days, Monday is 1. A `to` that is not after `from` is on the next day. */
    | Readonly<{ days: readonly number[]; fromTime: string; toTime: string }>;
}>;

/** What is wrong with a window, each with the member that it is about. */
export function checkFreezeWindow(window: FreezeWindow): readonly string[] {
  const problems: string[] = [];
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(window.timeZone);
    if (!/^[A-Za-z]/.test(window.timeZone)) problems.push(`timeZone: ${window.timeZone} is not an IANA name`);
  } catch {
    problems.push(`timeZone: ${window.timeZone} is not an IANA name such as Asia/Shanghai`);
  }
  const { when } = window;
  if ("from" in when) {
    const from = parse("from", when.from, (text) => Temporal.PlainDateTime.from(text), problems);
    const to = parse("to", when.to, (text) => Temporal.PlainDateTime.from(text), problems);
    if (from !== null && to !== null && Temporal.PlainDateTime.compare(from, to) >= 0) {
      problems.push(`to: ${when.to} is not after ${when.from}`);
    }
  } else {
    parse("fromTime", when.fromTime, (text) => Temporal.PlainTime.from(text), problems);
    parse("toTime", when.toTime, (text) => Temporal.PlainTime.from(text), problems);
    if (when.days.length === 0) problems.push("days: name at least one, Monday is 1");
    for (const day of when.days) {
      if (!Number.isInteger(day) || day < 1 || day > 7) {
        problems.push(`days: ${day} is not a day; Monday is 1, Sunday 7`);
      }
    }
  }
  return problems;
}

function parse<T>(member: string, text: string, read: (text: string) => T, problems: string[]): T | null {
  if (/[Zz[\]]|[+-]\d\d:?\d\d$/.test(text)) {
    problems.push(`${member}: ${text} names an offset; the window's timeZone says where it is`);
    return null;
  }
  try {
    return read(text);
  } catch {
    problems.push(`${member}: ${text} is not a local time such as 2026-12-31T18:00 or 18:00`);
    return null;
  }
}

/** The window that holds at a time for an environment and when it ends; the one that ends last when several do. Null when none does. */
export function frozenAt(input: {
  windows: readonly FreezeWindow[];
  environment: string;
  atMs: number;
}): { window: FreezeWindow; untilMs: number } | null {
  let found: { window: FreezeWindow; untilMs: number } | null = null;
  for (const window of input.windows) {
    if (!window.environments.includes(input.environment)) continue;
    for (const { fromMs, toMs } of spansAround(window, input.atMs)) {
      if (fromMs <= input.atMs && input.atMs < toMs && (found === null || toMs > found.untilMs)) {
        found = { window, untilMs: toMs };
      }
    }
  }
  return found;
}

/** The spans of a window that could hold at a time. */
function spansAround(window: FreezeWindow, atMs: number): readonly { fromMs: number; toMs: number }[] {
  const { when, timeZone } = window;
  const span = (from: Temporal.PlainDateTime, to: Temporal.PlainDateTime) => ({
    // Where clocks are put back a local time comes twice, and where they are put forward it does not come: a freeze takes the wider reading.
    fromMs: from.toZonedDateTime(timeZone, { disambiguation: "earlier" }).epochMilliseconds,
    toMs: to.toZonedDateTime(timeZone, { disambiguation: "later" }).epochMilliseconds,
  });
  if ("from" in when) return [span(Temporal.PlainDateTime.from(when.from), Temporal.PlainDateTime.from(when.to))];
  const today = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone).toPlainDate();
  const fromTime = Temporal.PlainTime.from(when.fromTime);
  const toTime = Temporal.PlainTime.from(when.toTime);
  const overnight = Temporal.PlainTime.compare(toTime, fromTime) <= 0;
  return [-1, 0, 1]
    .map((days) => today.add({ days }))
    .filter((day) => when.days.includes(day.dayOfWeek))
    .map((day) => span(day.toPlainDateTime(fromTime), day.add({ days: overnight ? 1 : 0 }).toPlainDateTime(toTime)));
}
