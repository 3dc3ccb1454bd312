import { Type, type TSchema } from "typebox";
import type { Operation } from "./operation.ts";

/** A request header that the API reads. */
export type RequestHeader = Readonly<{ name: string; description: string; schema: TSchema }>;

const idempotencyKey: RequestHeader = {
  name: "Idempotency-Key",
  description: "Repeating the request with the same key returns the stored answer and does nothing twice",
  schema: Type.String({ minLength: 1, maxLength: 200, pattern: "^[\\x21-\\x7e]+$" }),
};
const reason: RequestHeader = {
  name: "WCS-Reason",
  description: "Why, for the audit; UTF-8, percent-encoded",
  schema: Type.String({ minLength: 1, maxLength: 3000, pattern: "^(?:[\\x20-\\x24\\x26-\\x7e]|%[0-9A-Fa-f]{2})+$" }),
};
const ticket: RequestHeader = {
  name: "WCS-Ticket",
  description: "The change ticket (ITSM id) of the act",
  schema: Type.String({ minLength: 1, maxLength: 100, pattern: "^[A-Za-z0-9][A-Za-z0-9._:/-]*$" }),
};
const ifMatch: RequestHeader = {
  name: "If-Match",
  description: "The ETag of the version that the change is meant for",
  schema: Type.String({ pattern: '^"[0-9]{1,15}"$' }),
};

/** The headers that an operation reads, besides Authorization. */
export function requestHeaders(operation: Operation): readonly RequestHeader[] {
  return [...(operation.act ? [idempotencyKey, reason, ticket] : []), ...(operation.ifMatch === true ? [ifMatch] : [])];
}
