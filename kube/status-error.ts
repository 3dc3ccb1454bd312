import { KubeError, type FieldConflict, type KubeErrorReason, type KubeStatus } from "./errors.ts";

const byReason: Readonly<Record<string, KubeErrorReason>> = {
  AlreadyExists: "already-exists",
  Conflict: "conflict",
  Expired: "expired",
  Gone: "expired",
  Invalid: "invalid",
};

const byCode: Readonly<Record<number, KubeErrorReason>> = {
  400: "bad-request",
  401: "unauthenticated",
  403: "forbidden",
  404: "not-found",
  409: "conflict",
  410: "expired",
  413: "too-large",
  422: "invalid",
  429: "too-many-requests",
};

const adviceFor: Partial<Readonly<Record<KubeErrorReason, string>>> = {
  unauthenticated: "The credential is unknown, revoked or expired: take a new kubeconfig.",
  forbidden: "The credential is good, but its rights do not reach that far: bind the missing right with RBAC.",
  "apply-conflict": "Another manager owns these fields: agree with it, or force the apply.",
  conflict: "The object changed meanwhile: read it again and repeat the change.",
  expired: "The resource version is too old: list again.",
  "too-many-requests": "The API server asks for fewer requests: wait and repeat.",
};

/** `conflict with "kubectl" using v1: .spec.replicas` (apimachinery managedfields/internal/conflict.go) names the manager. */
function fieldConflicts(status: KubeStatus | undefined): FieldConflict[] {
  return (status?.details?.causes ?? [])
    .filter((cause) => cause.reason === "FieldManagerConflict")
    .map((cause) => ({
      field: cause.field ?? "?",
      manager: /conflict with "((?:[^"\\]|\\.)*)"/.exec(cause.message ?? "")?.[1] ?? "?",
    }));
}

/** `Retry-After` in milliseconds: seconds, or an HTTP date (RFC 9110, 10.2.3). */
export function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Math.min(Number(value), 3600) * 1000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : Math.min(Math.max(0, atMs - nowMs), 3_600_000);
}

function parseStatus(body: string): KubeStatus | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && "kind" in value && value.kind === "Status"
      ? (value as KubeStatus)
      : undefined;
  } catch {
    return undefined;
  }
}

type Answer = Readonly<{ statusCode: number; body: string; retryAfter?: string | undefined; call: string }>;

/** The error for an answer that is not 2xx. `call` is what was asked, for the message (`GET /api/v1/nodes`). */
export function statusError({ statusCode, body, retryAfter, call }: Answer): KubeError {
  const status = parseStatus(body);
  const conflicts = fieldConflicts(status);
  const reason: KubeErrorReason =
    conflicts.length > 0
      ? "apply-conflict"
      : (byReason[status?.reason ?? ""] ?? byCode[statusCode] ?? (statusCode >= 500 ? "server-error" : "protocol"));
  const text = status?.message ?? (body.slice(0, 200).trim() || "no message");
  const waitMs =
    retryAfterMs(retryAfter, Date.now()) ??
    (status?.details?.retryAfterSeconds ? status.details.retryAfterSeconds * 1000 : undefined);
  return new KubeError(reason, `${call}: ${text} (${statusCode})`, {
    statusCode,
    status,
    conflicts,
    body: status === undefined ? body.slice(0, 16_384) : undefined,
    retryAfterMs: waitMs,
    advice: adviceFor[reason],
  });
}

/** The error for a Status that came inside a stream (a watch's ERROR event, exec's status channel). */
export function streamedStatusError(status: KubeStatus, call: string): KubeError {
  return statusError({ statusCode: status.code ?? 500, body: JSON.stringify({ ...status, kind: "Status" }), call });
}
