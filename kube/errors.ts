/** The answer of a failed call (k8s.io/apimachinery meta/v1 Status). */
export type KubeStatus = {
  kind?: string;
  status?: string;
  message?: string;
  reason?: string;
  code?: number;
  details?: {
    name?: string;
    kind?: string;
    group?: string;
    retryAfterSeconds?: number;
    causes?: { reason?: string; message?: string; field?: string }[];
  };
};

/** What went wrong, as far as a caller treats it differently. */
export type KubeErrorReason =
  | "unreachable"
  | "timed-out"
  | "server-certificate-untrusted"
  | "server-certificate-expired"
  | "server-certificate-wrong-name"
  | "client-certificate-expired"
  | "client-certificate-rejected"
  | "unauthenticated"
  | "forbidden"
  | "not-found"
  | "already-exists"
  | "conflict"
  | "apply-conflict"
  | "expired"
  | "invalid"
  | "bad-request"
  | "too-many-requests"
  | "server-error"
  | "protocol"
  | "too-large"
  | "cancelled";

/** A field that another manager owns (answer 409 to a server-side apply). */
export type FieldConflict = Readonly<{ field: string; manager: string }>;

type Details = Readonly<{
  advice?: string | undefined;
  statusCode?: number | undefined;
  status?: KubeStatus | undefined;
  retryAfterMs?: number | undefined;
  conflicts?: readonly FieldConflict[] | undefined;
  body?: string | undefined;
  reached?: boolean | undefined;
  cause?: unknown;
}>;

/** Every failure of this package. `advice` says what a person can do about it. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly reason: KubeErrorReason;
  readonly advice: string;
  /** HTTP status, when the API server answered. */
  readonly statusCode: number | undefined;
  readonly status: KubeStatus | undefined;
  /** How long the server asked us to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  readonly conflicts: readonly FieldConflict[];
  /** The answer's text, when it was not a Status; at most 16 KiB. */
  readonly body: string;
  /** False when the server can't have seen the call. */
  readonly reached: boolean;

  constructor(reason: KubeErrorReason, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.reason = reason;
    this.advice = details.advice ?? "";
    this.statusCode = details.statusCode;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.conflicts = details.conflicts ?? [];
    this.body = details.body ?? "";
    this.reached = details.reached ?? true;
  }
}

/** True when `error` is a KubeError of one of `reasons`. */
export function isKubeError(error: unknown, ...reasons: KubeErrorReason[]): error is KubeError {
  return error instanceof KubeError && (reasons.length === 0 || reasons.includes(error.reason));
}
