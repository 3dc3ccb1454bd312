/** What a cluster can tell of an instance that failed. */
export type FailureFacts = Readonly<{
  instance: string;
  reason: string;
  exitCode: number | null;
  exitReason: string | null;
  restarts: number;
  events: readonly Readonly<{ atMs: number; reason: string; message: string; count: number }>[];
  logTail: string;
}>;

export type FailureReport = Readonly<{
  instance: string;
  summary: string;
  hint: string;
  events: readonly string[];
  logLines: readonly string[];
}>;

const maxEvents = 10;
const maxLines = 20;
const maxLineLength = 500;

/** Why an instance failed, short enough to be read and kept for ever: the newest events, the last log lines, the exit code and what they mean. */
export function explainFailure(facts: FailureFacts): FailureReport {
  const exit =
    facts.exitCode === null ? "" : `; exit code ${facts.exitCode} (${exitMeaning(facts.exitCode, facts.exitReason)})`;
  const restarts = facts.restarts === 0 ? "" : `; ${facts.restarts} restarts`;
  return {
    instance: facts.instance,
    summary: `${facts.reason}${exit}${restarts}`,
    hint: hintFor(facts),
    events: [...facts.events]
      .sort((a, b) => a.atMs - b.atMs)
      .slice(-maxEvents)
      .map(({ reason, message, count }) => cut(`${reason}${count > 1 ? ` (${count} times)` : ""}: ${message}`)),
    logLines: facts.logTail
      .split("\n")
      .filter((line) => line.trim() !== "")
      .slice(-maxLines)
      .map(cut),
  };
}

function exitMeaning(code: number, reason: string | null): string {
  if (reason === "OOMKilled") return "killed for using more memory than its class has";
  if (code === 0) return "it ended by itself without an error";
  if (code === 126) return "its command cannot be run";
  if (code === 127) return "its command is not there";
  if (code > 128 && code <= 192) return `ended by signal ${code - 128}`;
  return reason ?? "an error of its own";
}

function hintFor(facts: FailureFacts): string {
  const text = [
    facts.reason,
    facts.exitReason ?? "",
    ...facts.events.map(({ reason, message }) => `${reason} ${message}`),
  ].join("\n");
  if (/OOMKilled/.test(text)) return "choose a bigger class, or make the application use less memory";
  if (/ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull/.test(text)) {
    return "check that the image's name and digest exist in the registry and that the host may pull from it";
  }
  if (/Insufficient|FailedScheduling/.test(text)) return "the host has no room for it; see wcs explain placement";
  if (/FailedMount|FailedAttachVolume/.test(text)) return "a file or folder could not be mounted; see the events";
  if (/FailedCreatePodSandBox/.test(text)) return "its network could not be made; see the events and wcs describe ip";
  if (/readiness probe|Readiness probe|not Ready/i.test(text)) {
    return "it runs, and its readiness probe does not pass; see its log";
  }
  return "see its log and events";
}

function cut(text: string): string {
  return text.length <= maxLineLength ? text : `${text.slice(0, maxLineLength - 1)}…`;
}
