import type { Static, TSchema } from "typebox";
import type { ProblemCode } from "../problem/problem-codes.ts";

/** What a caller needs: a verb on a resource (a plural noun). `public` needs no token; `authenticated` any valid one. */
export type OperationPermission = Readonly<{ verb: string; resource: string }> | "public" | "authenticated";

/**
 * One operation of the API as data. The server's route, the OpenAPI document and the typed client are all made from it, so that they
 * can't differ. `path` names parameters in braces, as OpenAPI does. `act: true` marks a write: it takes Idempotency-Key, WCS-Reason
 * and WCS-Ticket, and must leave an audit entry. `errors` lists codes beyond those that every operation may answer.
 */
export type Operation = Readonly<{
  id: string;
  tag: string;
  summary: string;
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  params?: TSchema;
  query?: TSchema;
  body?: TSchema;
  /** application/json unless it says otherwise; then `body` is a string schema. */
  bodyMediaType?: string;
  /** Bytes; 1 MiB unless it says otherwise. */
  bodyLimitBytes?: number;
  answers: Readonly<Record<number, TSchema | null>>;
  /** application/json unless it says otherwise. */
  answerMediaType?: string;
  permission: OperationPermission;
  errors: readonly ProblemCode[];
  act: boolean;
  ifMatch?: boolean;
  /** The answer holds a secret, such as a token: what is stored of it for a repetition is sealed. */
  answersSecret?: boolean;
}>;

/** Keeps the literal types of an operation, which the client's types are made of. */
export function defineOperation<const O extends Operation>(operation: O): O {
  return operation;
}

type Part<O, K extends string> = O extends Readonly<Record<K, infer S extends TSchema>> ? Static<S> : undefined;

export type OperationParams<O> = Part<O, "params">;
export type OperationQuery<O> = Part<O, "query">;
export type OperationBody<O> = Part<O, "body">;
type AnswerOf<S> = S extends TSchema ? Static<S> : undefined;
/** The body of a successful answer. */
export type OperationAnswer<O extends Operation> = {
  [K in keyof O["answers"]]: AnswerOf<O["answers"][K]>;
}[keyof O["answers"]];
