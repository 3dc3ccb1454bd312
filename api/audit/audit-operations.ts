import { Type } from "typebox";
import { defineOperation } from "../http/operation.ts";
import { moment } from "../shared/names.ts";
import { pageOf, pageQuery } from "../shared/page.ts";

const nullable = Type.Union([Type.String(), Type.Null()]);
const word = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 100, pattern: "^[^\\u0000]*$", description }));

const entry = Type.Object({
  chain: Type.Integer(),
  sequence: Type.Integer(),
  hash: Type.String(),
  at: moment,
  actor: Type.Object({ kind: Type.String(), name: Type.String(), tokenId: nullable }),
  from: Type.String(),
  requestId: Type.String(),
  act: Type.String({ description: "the operation" }),
  resource: Type.Object({ kind: Type.String(), name: Type.String() }),
  business: nullable,
  environment: nullable,
  dcnGroup: nullable,
  before: Type.Unknown(),
  after: Type.Unknown(),
  reason: nullable,
  ticket: nullable,
  outcome: Type.Enum(["done", "denied", "failed"]),
});

const fault = Type.Object({
  chain: Type.Integer({ description: "-1: the checkpoint file" }),
  sequence: Type.Integer({ description: "the row of the chain, or the line of the file" }),
  fault: Type.Enum(["changed", "removed", "truncated", "checkpoint-differs", "checkpoint-invalid"]),
  message: Type.String(),
});

export const auditOperations = [
  defineOperation({
    id: "audit.list",
    tag: "audit",
    summary: "What was done, newest first",
    method: "GET",
    path: "/api/v1/audit",
    query: Type.Object(
      {
        ...pageQuery,
        actor: word("the name of who acted"),
        kind: word("the kind of the resource"),
        name: word("the name of the resource"),
        act: word("the operation, such as hosts.create"),
        since: Type.Optional(Type.String({ format: "date-time", maxLength: 40 })),
        until: Type.Optional(Type.String({ format: "date-time", maxLength: 40 })),
      },
      { additionalProperties: false },
    ),
    answers: { 200: pageOf(entry) },
    permission: { verb: "list", resource: "audit" },
    errors: ["request.cursor-invalid"],
    act: false,
  }),
  defineOperation({
    id: "audit.verify",
    tag: "audit",
    summary: "Follow every hash chain from its first row and hold it against the signed checkpoints",
    method: "GET",
    path: "/api/v1/audit/verification",
    answers: {
      200: Type.Object({
        ok: Type.Boolean(),
        entries: Type.Integer(),
        heads: Type.Array(Type.Object({ chain: Type.Integer(), sequence: Type.Integer(), hash: Type.String() })),
        checkpoints: Type.Integer({ description: "signed checkpoints in this server's file" }),
        checkpointedUntil: Type.Union([moment, Type.Null()], {
          description: "a removed tail of a chain is found up to here",
        }),
        faults: Type.Array(fault),
        faultsLeftOut: Type.Integer(),
      }),
    },
    permission: { verb: "verify", resource: "audit" },
    errors: ["audit.verification-runs"],
    act: false,
  }),
] as const;
