import { setTimeout as sleep } from "node:timers/promises";

export type UnavailableOptions = Readonly<{
  /** After this long, the last failure is thrown. */
  waitMs: number;
  /** Told once, at the first failure that is waited for. */
  onWait?: (error: Error) => void;
}>;

// PostgreSQL 18, appendix A: class 08 connection exceptions, 53300 too many connections, 57P01 to 57P03 shutting down, crashed, starting up.
const passingStates = /^(?:08...|53300|57P0[123])$/;
const passingErrors: ReadonlySet<string> = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOENT", "ETIMEDOUT"]);

/** Whether a failure is of a database that is away for the moment: not reachable, starting, recovering after a crash or stopping. */
export function isUnavailable(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  // pg gives a connection that ended under a statement, or was too slow to come, no code.
  if (/^(?:Connection terminated|timeout exceeded when trying to connect)/.test(error.message)) return true;
  const code = "code" in error ? String(error.code) : "";
  if (passingStates.test(code) || passingErrors.has(code)) return true;
  // Node tries each address of a name, and tells of all failures in one.
  return error instanceof AggregateError && error.errors.length > 0 && error.errors.every(isUnavailable);
}

/** Does `work`, which must be safe to do again, once more while the database is away for the moment. */
export async function whileUnavailable<T>(options: UnavailableOptions, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + options.waitMs;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const reason = error instanceof Error && error.cause !== undefined ? error.cause : error;
      if (!isUnavailable(reason) || performance.now() > deadline) throw error;
      if (attempt === 0) options.onWait?.(reason);
      await sleep(Math.min(1000, 50 * 2 ** attempt));
    }
  }
}
