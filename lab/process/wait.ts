import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "../state/lab-error.ts";

type WaitOptions = Readonly<{
  /** What is waited for, for the message when it does not come. */
  what: string;
  timeoutMs: number;
  intervalMs?: number;
  /** What is known about why it does not come. */
  why?: () => string;
}>;

/** Asks until the answer is neither null nor false. @throws LabError "timeout" */
export async function waitFor<T>(
  ask: () => Promise<T | null | false> | T | null | false,
  { what, timeoutMs, intervalMs = 100, why }: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== false) return answer;
    if (performance.now() > deadline) {
      throw new LabError("timeout", `${what}: not within ${Math.round(timeoutMs / 1000)} s${why ? `\n${why()}` : ""}`);
    }
    await sleep(intervalMs);
  }
}
