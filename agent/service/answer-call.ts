import { readCall, supportedVersions, type RawCall } from "../verbs/cni-call.ts";
import { CniError, cniCodes } from "../verbs/cni-error.ts";
import type { Verbs } from "../verbs/verbs.ts";
import type { Metrics } from "./metrics.ts";

export type Answer = Readonly<{ exitCode: number; text: string }>;

/** Checks a call, runs it, and puts the outcome in the words of the spec. Never throws. */
export async function answerCall(
  raw: RawCall,
  { verbs, metrics, log }: Readonly<{ verbs: Verbs; metrics: Metrics; log: (line: string) => void }>,
): Promise<Answer> {
  const started = performance.now();
  const verb = raw.command ?? "";
  const done = (code: number) => metrics.countCall({ verb, code, seconds: (performance.now() - started) / 1000 });
  try {
    const result = await verbs.run(readCall(raw));
    done(0);
    return { exitCode: 0, text: result === null ? "" : `${JSON.stringify(result)}\n` };
  } catch (error) {
    const known =
      error instanceof CniError ? error : new CniError(cniCodes.unexpected, "the agent failed", String(error));
    if (!(error instanceof CniError)) {
      log(`${verb}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    log(
      `${verb} ${raw.containerId ?? ""}/${raw.ifName ?? ""}: code ${known.code}: ${known.message}${known.details ? ` (${known.details})` : ""}`,
    );
    done(known.code);
    const { code, message, details } = known;
    const text = JSON.stringify({
      cniVersion: askedVersion(raw.stdin),
      code,
      msg: message,
      ...(details ? { details } : {}),
    });
    return { exitCode: 1, text: `${text}\n` };
  }
}

/** An error is told in the version that was asked for, where that can be known. */
function askedVersion(stdin: string): string {
  try {
    const { cniVersion } = JSON.parse(stdin) as { cniVersion?: unknown };
    return supportedVersions.find((version) => version === cniVersion) ?? "1.1.0";
  } catch {
    return "1.1.0";
  }
}
