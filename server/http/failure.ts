import type { ProblemCode, ProblemDetail } from "@wcs/api";

export type FailureOptions = Readonly<{
  errors?: readonly ProblemDetail[];
  cause?: unknown;
  headers?: Record<string, string>;
}>;

/**
 * A refusal that the caller can understand: what a service throws when a request can't be met. The HTTP layer turns it into a problem
 * document; everything else that is thrown is our bug and answers `server.failed`.
 */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: ProblemCode;
  readonly errors: readonly ProblemDetail[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, detail: string, options: FailureOptions = {}) {
    super(detail, { cause: options.cause });
    this.code = code;
    this.errors = options.errors ?? [];
    this.headers = options.headers ?? {};
  }
}
