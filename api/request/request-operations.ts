import { Type, type Static } from "typebox";
import { defineOperation } from "../http/operation.ts";
import { instanceName } from "../instance/index.ts";
import { humanText, moment } from "../shared/names.ts";
import { dryRunQuery, pageOf, pageQuery } from "../shared/page.ts";

const maybe = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()]);
const hash = Type.String({ pattern: "^sha256:[0-9a-f]{64}$" });
const bilingual = Type.Object({ en: Type.String(), zh: Type.String() });

const names = (description: string) =>
  Type.Optional(Type.Array(instanceName, { minItems: 1, maxItems: 1000, uniqueItems: true, description }));

const counts = Type.Record(Type.String({ pattern: "^[0-9A-Z]{3}$" }), Type.Integer({ minimum: 0, maximum: 1000 }), {
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 100,
  description: "DCN -> instances afterwards",
});
const how = {
  areas: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 63 }), {
      minItems: 1,
      maxItems: 8,
      uniqueItems: true,
      description: "a NIC in each; absent: the subsystem's",
    }),
  ),
  countVms: Type.Optional(Type.Boolean({ description: "the DCN's VMs are part of the number" })),
  lifetime: Type.Optional(Type.Enum(["long-term", "temporary"])),
  pool: Type.Optional(Type.String({ minLength: 1, maxLength: 63 })),
};
const subsystem = Type.String({ pattern: "^[0-9]{4}$" });

/** Numbers of one subsystem more. */
const requestItemSchema = Type.Object(
  { subsystem, class: Type.String({ minLength: 1, maxLength: 63 }), counts, ...how },
  { additionalProperties: false },
);

/**
 * What is asked for of one subsystem, one of three: how many instances each DCN has afterwards (more are placed, or the engine chooses which
 * go); instances that go by name; instances that get another class.
 */
const requestBodySchema = Type.Object(
  {
    subsystem,
    class: Type.Optional(
      Type.String({ minLength: 1, maxLength: 63, description: "the size of new instances, or the one to resize to" }),
    ),
    counts: Type.Optional(counts),
    retire: names("these go"),
    resize: names("these get the class"),
    ...how,
    together: Type.Optional(
      Type.Array(requestItemSchema, {
        minItems: 1,
        maxItems: 99,
        description: "with counts: more subsystems of the same business, planned with it; all is delivered or nothing",
      }),
    ),
  },
  { additionalProperties: false },
);

const place = Type.Object({
  subsystem: Type.String(),
  lifetime: Type.Enum(["long-term", "temporary"]),
  dcn: Type.String(),
  class: Type.String(),
  idc: Type.String(),
  cluster: Type.String(),
  rack: Type.String(),
  host: Type.String(),
  pool: Type.String(),
  nics: Type.Array(Type.Object({ area: Type.String(), subnet: Type.String() })),
  borrowed: Type.Boolean(),
});

const resize = Type.Object({
  instance: instanceName,
  fromClass: Type.String(),
  toClass: Type.String(),
  fromHost: Type.String(),
  toHost: Type.String({ description: "another one of its rack when its host has no room; its addresses stay" }),
  toPool: Type.String(),
  borrowed: Type.Boolean(),
  effect: Type.Enum(["on-paper", "in-place", "re-create"], {
    description: "nothing runs of it yet, resized while it runs, or its pod is made anew with the same addresses",
  }),
  reasons: Type.Array(bilingual, { description: "why that" }),
});

const plan = Type.Object({
  places: Type.Array(place, { description: "instances to be made" }),
  removals: Type.Array(instanceName, { description: "instances that go" }),
  resizes: Type.Array(resize, { description: "instances that get another class" }),
  notes: Type.Array(bilingual),
});

const requestSchema = Type.Object({
  id: Type.String(),
  subsystem: Type.String(),
  business: Type.String(),
  environment: Type.String(),
  body: requestBodySchema,
  plan,
  planHash: hash,
  state: Type.Enum(["awaiting-approval", "delivered", "rejected", "withdrawn"]),
  reason: Type.String(),
  approvalsNeeded: Type.Integer(),
  approvals: Type.Array(Type.Object({ by: Type.String(), planHash: hash, at: moment })),
  instances: Type.Array(instanceName, { description: "those it has delivered" }),
  requester: Type.String(),
  ticket: maybe(Type.String()),
  why: maybe(Type.String()),
  createdAt: moment,
  version: Type.Integer(),
});

export type RequestBody = Static<typeof requestBodySchema>;

/** Numbers of one subsystem. */
export type RequestItem = Static<typeof requestItemSchema>;

/** What a request promises: the part of a placement plan that people see and approve. */
export type RequestPlan = Static<typeof plan>;

const params = Type.Object({ id: Type.String({ pattern: "^q-[0-9]{1,12}$" }) });

export const requestOperations = [
  defineOperation({
    id: "requests.list",
    tag: "requests",
    summary: "Requests for instances, newest first",
    method: "GET",
    path: "/api/v1/requests",
    query: Type.Object(
      { ...pageQuery, subsystem: Type.Optional(Type.String({ maxLength: 63 })) },
      { additionalProperties: false },
    ),
    answers: { 200: pageOf(requestSchema) },
    permission: { verb: "list", resource: "requests" },
    errors: ["request.cursor-invalid"],
    act: false,
  }),
  defineOperation({
    id: "requests.create",
    tag: "requests",
    summary: "Ask for instances; the answer has the plan. With dryRun the plan is all there is",
    method: "POST",
    path: "/api/v1/requests",
    query: Type.Object(dryRunQuery, { additionalProperties: false }),
    body: requestBodySchema,
    answers: { 201: requestSchema },
    permission: { verb: "create", resource: "requests" },
    errors: ["resource.not-found", "act.ticket-required", "request.impossible", "instance.busy"],
    act: true,
  }),
  defineOperation({
    id: "requests.get",
    tag: "requests",
    summary: "One request with its plan",
    method: "GET",
    path: "/api/v1/requests/{id}",
    params,
    answers: { 200: requestSchema },
    permission: { verb: "get", resource: "requests" },
    errors: ["resource.not-found"],
    act: false,
  }),
  defineOperation({
    id: "requests.approve",
    tag: "requests",
    summary:
      "Approve exactly the plan that planHash names. With the last approval needed, hosts, capacity and addresses are promised and the instances delivered in one transaction. A plan that does not hold any more is planned again and shown: 200 with state awaiting-approval and another planHash",
    method: "POST",
    path: "/api/v1/requests/{id}/approve",
    params,
    query: Type.Object(dryRunQuery, { additionalProperties: false }),
    body: Type.Object({ planHash: hash }, { additionalProperties: false }),
    answers: { 200: requestSchema },
    permission: { verb: "approve", resource: "requests" },
    errors: ["resource.not-found", "auth.forbidden", "approval.refused", "request.impossible", "instance.busy"],
    act: true,
  }),
  defineOperation({
    id: "requests.reject",
    tag: "requests",
    summary: "Reject a request (another person), or withdraw one's own",
    method: "POST",
    path: "/api/v1/requests/{id}/reject",
    params,
    query: Type.Object(dryRunQuery, { additionalProperties: false }),
    body: Type.Object({ why: humanText(500) }, { additionalProperties: false }),
    answers: { 200: requestSchema },
    permission: { verb: "approve", resource: "requests" },
    errors: ["resource.not-found", "approval.refused"],
    act: true,
  }),
] as const;
