import { problemCodes, type Problem, type ProblemCode } from "@wcs/api";
import { DatabaseError } from "pg";
import { Failure } from "./failure.ts";

/** A failure as an answer. `bug`: what was thrown is none of the caller's doing, and belongs into the log. */
export type ProblemAnswer = Readonly<{ problem: Problem; headers: Readonly<Record<string, string>>; bug: boolean }>;

// SQLSTATE classes in which the database could not do its work now (PostgreSQL 18, appendix A).
const busyStates = /^(?:08|53|57P0|57014|55P03|40)/;
const networkErrors: ReadonlySet<string | undefined> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "ETIMEDOUT",
  "EPIPE",
]);

/** Turns whatever was thrown into an RFC 9457 problem. */
export function problemAnswer(error: unknown, requestId: string, language: "en" | "zh"): ProblemAnswer {
  const failure = failureOf(error);
  const { code } = failure;
  const { status, title, titleZh } = problemCodes[code];
  const problem: Problem = {
    type: `urn:wcs:problem:${code}`,
    title: language === "zh" ? titleZh : title,
    status,
    code,
    detail: failure.message,
    instance: requestId,
    ...(failure.errors.length === 0 ? {} : { errors: [...failure.errors] }),
  };
  return { problem, headers: failure.headers, bug: code === "server.failed" || code === "server.busy" };
}

function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (isBusy(error)) {
    return new Failure("server.busy", "the database does not answer now", {
      cause: error,
      headers: { "retry-after": "1" },
    });
  }
  const code = fastifyCode(error);
  if (code !== null) return new Failure(code, error instanceof Error ? error.message : String(error), { cause: error });
  return new Failure("server.failed", "the server failed; its log has the reason under this request's id", {
    cause: error,
  });
}

function isBusy(error: unknown): boolean {
  if (error instanceof DatabaseError) return busyStates.test(error.code ?? "");
  if (!(error instanceof Error)) return false;
  return (
    networkErrors.has((error as NodeJS.ErrnoException).code) ||
    /^(?:timeout exceeded when trying to connect|Connection terminated)/.test(error.message)
  );
}

/** What fastify itself refuses, by the status that it gives. */
function fastifyCode(error: unknown): ProblemCode | null {
  if (!(error instanceof Error) || !("statusCode" in error)) return null;
  switch (error.statusCode) {
    case 413:
      return "request.too-large";
    case 415:
      return "request.unsupported-media-type";
    case 400:
    case 414:
    case 431:
      return "request.invalid";
    default:
      return null;
  }
}
