import type { Operation, OperationAnswer, OperationBody, OperationParams, OperationQuery } from "@wcs/api";
import type { FastifyReply } from "fastify";
import type { Principal } from "../access/principal.ts";
import type { Transaction } from "../database/transaction.ts";

/** What a handler gets: the parts that the operation's schemas have checked, and who asks. */
export type RouteRequest<O extends Operation> = Readonly<{
  params: OperationParams<O>;
  query: OperationQuery<O>;
  body: OperationBody<O>;
  principal: Principal;
  requestId: string;
  /** The caller's address. */
  from: string;
  language: "en" | "zh";
  ticket: string | null;
  /** The version that If-Match names. */
  ifMatch: number | null;
  /** Fires when the caller goes away or the server stops. */
  signal: AbortSignal;
}>;

/** What a handler answers. `version` becomes the ETag. */
export type RouteAnswer<O extends Operation> = Readonly<{
  status: keyof O["answers"] & number;
  body: OperationAnswer<O>;
  version?: number;
}>;

/** An answer; a function, so that the status keeps its literal type. */
export function answer<const S extends number, B>(
  status: S,
  body: B,
  version?: number,
): Readonly<{ status: S; body: B; version?: number }> {
  return version === undefined ? { status, body } : { status, body, version };
}

// Handlers of many operations lie in one list: what each takes was checked where it was made, by `read`, `act` and `stream`.
type AnyRequest = RouteRequest<Operation>;
type AnyAnswer = Readonly<{ status: number; body: unknown; version?: number }>;

export type Route = Readonly<{ operation: Operation }> &
  (
    | Readonly<{ type: "read"; handle: (request: AnyRequest) => Promise<AnyAnswer> }>
    | Readonly<{
        type: "act";
        prepare: (request: AnyRequest) => Promise<unknown>;
        handle: (request: AnyRequest, tx: Transaction, prepared: unknown) => Promise<AnyAnswer>;
      }>
    | Readonly<{ type: "stream"; handle: (request: AnyRequest, reply: FastifyReply) => Promise<void> }>
  );

/** A route that changes nothing. */
export function read<O extends Operation>(
  operation: O,
  handle: (request: RouteRequest<O>) => Promise<RouteAnswer<O>>,
): Route {
  return { type: "read", operation, handle: handle as (request: AnyRequest) => Promise<AnyAnswer> };
}

/**
 * A route that changes something. `handle` runs in a transaction, and may run twice if PostgreSQL asks for it: it does nothing outside
 * the database. It must record at least one audit entry, or the act is undone and answers `server.failed`. The frame around it sees
 * to Idempotency-Key, `?dryRun=true`, and the audit of refusals. What is slow or outside the database goes into `prepare`, which runs first.
 */
export function act<O extends Operation, P = undefined>(
  operation: O,
  handle: (request: RouteRequest<O>, tx: Transaction, prepared: P) => Promise<RouteAnswer<O>>,
  prepare?: (request: RouteRequest<O>) => Promise<P>,
): Route {
  return {
    type: "act",
    operation,
    prepare: (prepare ?? (async () => undefined)) as (request: AnyRequest) => Promise<unknown>,
    handle: handle as (request: AnyRequest, tx: Transaction, prepared: unknown) => Promise<AnyAnswer>,
  };
}

/** A route that writes to the reply itself. */
export function stream<O extends Operation>(
  operation: O,
  handle: (request: RouteRequest<O>, reply: FastifyReply) => Promise<void>,
): Route {
  return { type: "stream", operation, handle: handle as (request: AnyRequest, reply: FastifyReply) => Promise<void> };
}
