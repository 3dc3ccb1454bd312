import { Type, type Static } from "typebox";
import { defineOperation } from "../http/operation.ts";
import { instanceName } from "../instance/index.ts";
import { humanText, labelPattern, moment } from "../shared/names.ts";
import { dryRunQuery, pageOf, pageQuery } from "../shared/page.ts";

const maybe = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()]);
const hash = Type.String({ pattern: "^sha256:[0-9a-f]{64}$" });
const bilingual = Type.Object({ en: Type.String(), zh: Type.String() });
const host = Type.String({ pattern: labelPattern });

const budget = Type.Object(
  {
    instancesPerBatch: Type.Integer({ minimum: 1, maximum: 100, description: "move at once" }),
    instancesPerHost: Type.Integer({ minimum: 1, maximum: 100, description: "of those, to one host" }),
  },
  { additionalProperties: false },
);

const plannedMove = Type.Object({
  instance: instanceName,
  subsystem: Type.String(),
  business: Type.String(),
  dcn: Type.String(),
  ips: Type.Array(Type.String(), { description: "it keeps them" }),
  batch: Type.Integer(),
  toHost: Type.String(),
  toNode: Type.String(),
  toCluster: Type.String(),
  toPool: Type.String(),
  borrowed: Type.Boolean(),
  why: bilingual,
});

const plan = Type.Object({
  budget,
  moves: Type.Array(plannedMove, { description: "batch by batch, the most important first" }),
  left: Type.Array(Type.Object({ instance: instanceName, why: bilingual }), {
    description: "instances that stay where they are, and why",
  }),
});

const recoverySchema = Type.Object({
  id: Type.String(),
  host: Type.String(),
  cluster: Type.String(),
  rack: Type.String(),
  lost: Type.String({ description: "why the host was held for lost when this was planned" }),
  plan,
  planHash: hash,
  state: Type.Enum(["awaiting-approval", "running", "done", "failed", "stopped", "rejected", "withdrawn"]),
  reason: Type.String(),
  approvalsNeeded: Type.Integer(),
  approvals: Type.Array(Type.Object({ by: Type.String(), planHash: hash, at: moment })),
  moves: Type.Array(
    Type.Object({
      instance: instanceName,
      batch: Type.Integer(),
      toHost: Type.String(),
      state: Type.Enum(["planned", "bound", "done", "stayed", "failed"], {
        description: "planned: nothing is touched yet; bound: decided, being carried out; stayed: not moved",
      }),
      reason: Type.String(),
      boundAt: maybe(moment),
      endedAt: maybe(moment),
    }),
    { description: "what has become of each, once approved" },
  ),
  requester: Type.String(),
  ticket: maybe(Type.String()),
  why: maybe(Type.String()),
  createdAt: moment,
  endedAt: maybe(moment),
  version: Type.Integer(),
});

export type RecoveryBudget = Static<typeof budget>;

/** What a recovery will do: the part that people see and approve. */
export type RecoveryPlan = Static<typeof plan>;

const params = Type.Object({ id: Type.String({ pattern: "^v-[0-9]{1,12}$" }) });
const resource = "recoveries";

const change = <const B extends Parameters<typeof Type.Object>[0]>(
  id: string,
  wish: Readonly<{ verb: string; summary: string; body: B }>,
) =>
  defineOperation({
    id: `recoveries.${id}`,
    tag: "recoveries",
    summary: wish.summary,
    method: "POST",
    path: `/api/v1/recoveries/{id}/${id}`,
    params,
    query: Type.Object(dryRunQuery, { additionalProperties: false }),
    body: Type.Object(wish.body, { additionalProperties: false }),
    answers: { 200: recoverySchema },
    permission: { verb: wish.verb, resource },
    errors: ["resource.not-found", "auth.forbidden", "approval.refused", "recovery.refused"],
    act: true,
  });

export const recoveryOperations = {
  list: defineOperation({
    id: "recoveries.list",
    tag: "recoveries",
    summary: "Recoveries of lost hosts, newest first",
    method: "GET",
    path: "/api/v1/recoveries",
    query: Type.Object({ ...pageQuery, host: Type.Optional(host) }, { additionalProperties: false }),
    answers: { 200: pageOf(recoverySchema) },
    permission: { verb: "list", resource },
    errors: ["request.cursor-invalid"],
    act: false,
  }),
  create: defineOperation({
    id: "recoveries.create",
    tag: "recoveries",
    summary:
      "Plan where the instances of a lost host go within its rack, with their addresses. With dryRun the plan is all there is; nothing moves before it is approved",
    method: "POST",
    path: "/api/v1/recoveries",
    query: Type.Object(dryRunQuery, { additionalProperties: false }),
    body: Type.Object({ host, budget: Type.Optional(budget) }, { additionalProperties: false }),
    answers: { 201: recoverySchema },
    permission: { verb: "create", resource },
    errors: ["resource.not-found", "auth.forbidden", "act.ticket-required", "recovery.refused"],
    act: true,
  }),
  get: defineOperation({
    id: "recoveries.get",
    tag: "recoveries",
    summary: "One recovery with its plan and what has become of each instance",
    method: "GET",
    path: "/api/v1/recoveries/{id}",
    params,
    answers: { 200: recoverySchema },
    permission: { verb: "get", resource },
    errors: ["resource.not-found"],
    act: false,
  }),
  approve: change("approve", {
    verb: "approve",
    summary:
      "Approve exactly the plan that planHash names. With the last approval needed it begins. A plan that does not hold any more is planned again and shown: 200 with state awaiting-approval and another planHash",
    body: { planHash: hash },
  }),
  reject: change("reject", {
    verb: "approve",
    summary: "Reject a recovery (another person), or withdraw one's own, before it begins",
    body: { why: humanText(500) },
  }),
  stop: change("stop", {
    verb: "operate",
    summary: "End a recovery that runs: what is decided is carried out, everything else stays where it is",
    body: {},
  }),
  returnHost: change("return-host", {
    verb: "operate",
    summary:
      "Let the host take part again, once it is back and nothing that was moved away is on it: the Node's fence, taint and cordon go",
    body: {},
  }),
};
