import type { ProblemCode } from "../problem/problem-codes.ts";
import type { Operation } from "./operation.ts";

/** Every problem code that the operation may answer with: its own, and those that follow from what it takes. */
export function errorCodesOf(operation: Operation): readonly ProblemCode[] {
  const codes = new Set<ProblemCode>(["server.failed", "server.busy", "request.rate-limited", "request.invalid"]);
  if (operation.permission !== "public") codes.add("auth.missing");
  if (typeof operation.permission === "object") codes.add("auth.forbidden");
  if (operation.params !== undefined) codes.add("resource.not-found");
  if (operation.body !== undefined) codes.add("request.too-large").add("request.unsupported-media-type");
  if (operation.act) codes.add("idempotency.key-reused").add("act.ticket-required");
  if (operation.ifMatch === true) codes.add("resource.version-mismatch");
  for (const code of operation.errors) codes.add(code);
  return [...codes].sort();
}
