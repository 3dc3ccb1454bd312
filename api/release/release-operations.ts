import { releaseStates } from "@wcs/core/release";
import { Type, type Static } from "typebox";
import { defineOperation, type Operation } from "../http/operation.ts";
import { instanceName } from "../instance/index.ts";
import { humanText, moment } from "../shared/names.ts";
import { dryRunQuery, pageOf, pageQuery } from "../shared/page.ts";
import { parameterValuesSchema } from "../template/index.ts";

const maybe = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()]);
const hash = Type.String({ pattern: "^sha256:[0-9a-f]{64}$" });
const count = Type.Integer({ minimum: 1, maximum: 1000 });
const dcn = Type.String({ pattern: "^[0-9A-Z]{3}$" });
const closed = { additionalProperties: false };

const strategy = Type.Object(
  {
    canary: Type.Optional(maybe(Type.Union([Type.Object({ instances: count }, closed), Type.Object({ dcn }, closed)]))),
    batch: Type.Optional(
      Type.Union([Type.Object({ instances: count }, closed), Type.Object({ dcnAtOnce: count }, closed)]),
    ),
    groupTogether: Type.Optional(Type.Boolean({ description: "several DCNs of a group may be in one batch" })),
    dcnSharePercent: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    pauseAfter: Type.Optional(
      Type.Union([Type.Enum(["none", "canary", "every"]), Type.Array(count, { minItems: 1, maxItems: 1000 })]),
    ),
  },
  closed,
);

const gates = Type.Object(
  {
    readyTimeoutSeconds: Type.Optional(Type.Integer({ minimum: 5, maximum: 86_400 })),
    soakSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 86_400 })),
    http: Type.Optional(
      Type.Object(
        {
          path: Type.String({ pattern: "^/[!-~]{0,1023}$" }),
          port: Type.Integer({ minimum: 1, maximum: 65_535 }),
          timeoutSeconds: Type.Optional(
            Type.Integer({ minimum: 0, maximum: 3600, description: "asked again for so long; absent: 30" }),
          ),
        },
        closed,
      ),
    ),
  },
  closed,
);

const releaseBodySchema = Type.Object(
  {
    subsystem: Type.String({ pattern: "^[0-9]{4}$" }),
    environment: Type.String({ minLength: 1, maxLength: 63 }),
    instances: Type.Optional(
      Type.Array(instanceName, { minItems: 1, maxItems: 10_000, uniqueItems: true, description: "only these" }),
    ),
    dcns: Type.Optional(
      Type.Array(dcn, { minItems: 1, maxItems: 100, uniqueItems: true, description: "only those of these DCNs" }),
    ),
    template: Type.Integer({ minimum: 1, maximum: 2_147_483_647, description: "the template's version" }),
    parameters: Type.Optional(parameterValuesSchema),
    imageDigest: hash,
    strategy: Type.Optional(strategy),
    gates: Type.Optional(gates),
    goOnWithoutCluster: Type.Optional(
      Type.Boolean({ description: "later instances go on while a cluster is away; its own wait" }),
    ),
    rollbackTo: Type.Optional(
      Type.String({ pattern: "^(?:previous|r-[0-9]{1,12})$", description: "where to go back to if need be" }),
    ),
    verification: Type.Optional(humanText(500)),
  },
  closed,
);

/** What a release is asked for with. */
export type ReleaseBody = Static<typeof releaseBodySchema>;

const design = Type.Object({
  template: Type.Integer(),
  parameters: parameterValuesSchema,
  imageDigest: Type.String(),
});
const target = Type.Object({
  instance: instanceName,
  batch: Type.Integer(),
  from: maybe(design),
  to: design,
  effect: Type.Enum(["create", "none", "in-place", "re-create"], { description: "what the change does to it" }),
  changes: Type.Array(Type.Object({ path: Type.String(), reason: Type.String() })),
  changedAt: maybe(moment),
  passedAt: maybe(moment),
  outcome: Type.Enum(["untouched", "under-way", "passed", "failed"]),
  seconds: maybe(Type.Number({ description: "from its change to its gates" })),
  failure: maybe(
    Type.Object(
      {
        summary: Type.String(),
        hint: Type.String(),
        events: Type.Array(Type.String()),
        logLines: Type.Array(Type.String()),
      },
      { description: "of an instance that failed; one that was tried again has its failures in the audit" },
    ),
  ),
});

const summary = {
  id: Type.String(),
  subsystem: Type.String(),
  business: Type.String(),
  environment: Type.String(),
  kind: Type.Enum(["release", "roll-back"]),
  takesBack: maybe(Type.String()),
  state: Type.Enum([...releaseStates]),
  reason: Type.String(),
  batch: maybe(Type.Integer({ description: "the one that is worked on" })),
  batches: Type.Integer(),
  instances: Type.Integer(),
  passed: Type.Integer(),
  planHash: hash,
  requester: Type.String(),
  startedBy: maybe(Type.String()),
  ticket: maybe(Type.String()),
  why: maybe(Type.String()),
  breakGlass: maybe(Type.String()),
  createdAt: moment,
  startedAt: maybe(moment),
  endedAt: maybe(moment),
  durationSeconds: maybe(Type.Number()),
  version: Type.Integer(),
};

const releaseSchema = Type.Object({
  ...summary,
  plan: Type.Object({
    batches: Type.Array(
      Type.Object({
        number: Type.Integer(),
        canary: Type.Boolean(),
        instances: Type.Array(instanceName),
        atOnce: Type.Integer(),
        pauseAfter: Type.Boolean(),
      }),
    ),
    gates: Type.Object({
      readyTimeoutSeconds: Type.Integer(),
      soakSeconds: Type.Integer(),
      http: maybe(Type.Object({ path: Type.String(), port: Type.Integer(), timeoutSeconds: Type.Integer() })),
    }),
    groupTogether: Type.Boolean({ description: "several DCNs of a group may change at once" }),
    goOnWithoutCluster: Type.Boolean(),
    rollbackTo: maybe(Type.String()),
    verification: maybe(Type.String()),
  }),
  approvalsNeeded: Type.Integer(),
  approvals: Type.Array(Type.Object({ by: Type.String(), planHash: hash, at: moment })),
  targets: Type.Array(target),
});

const params = Type.Object({ id: Type.String({ pattern: "^r-[0-9]{1,12}$" }) });

const deed = <const Id extends string, B extends ReturnType<typeof Type.Object>>(
  id: Id,
  summary: string,
  { verb, body }: Readonly<{ verb: string; body: B }>,
) =>
  defineOperation({
    id: `releases.${id}`,
    tag: "releases",
    summary,
    method: "POST",
    path: `/api/v1/releases/{id}/${id}`,
    params,
    query: Type.Object(dryRunQuery, closed),
    body,
    answers: { 200: releaseSchema },
    permission: { verb, resource: "releases" },
    errors: [
      "resource.not-found",
      "auth.forbidden",
      "approval.refused",
      "release.state",
      "release.frozen",
      "instance.busy",
    ],
    act: true,
  }) satisfies Operation;

const nothing = Type.Object({}, closed);

export const releaseOperations = [
  defineOperation({
    id: "releases.list",
    tag: "releases",
    summary: "Releases, newest first: the history, for ever",
    method: "GET",
    path: "/api/v1/releases",
    query: Type.Object({ ...pageQuery, subsystem: Type.Optional(Type.String({ maxLength: 63 })) }, closed),
    answers: { 200: pageOf(Type.Object(summary)) },
    permission: { verb: "list", resource: "releases" },
    errors: ["request.cursor-invalid"],
    act: false,
  }),
  defineOperation({
    id: "releases.create",
    tag: "releases",
    summary:
      "Plan a release: batches, gates, and for each instance whether it changes in place or its pod is made anew, and why. With dryRun the plan is all there is. A ticket that has a release already gives that one back, if it asks for the same",
    method: "POST",
    path: "/api/v1/releases",
    query: Type.Object(dryRunQuery, closed),
    body: releaseBodySchema,
    answers: { 200: releaseSchema, 201: releaseSchema },
    permission: { verb: "create", resource: "releases" },
    errors: ["resource.not-found", "resource.exists", "act.ticket-required", "release.invalid"],
    act: true,
  }),
  defineOperation({
    id: "releases.get",
    tag: "releases",
    summary: "One release with its plan and what has become of each instance",
    method: "GET",
    path: "/api/v1/releases/{id}",
    params,
    answers: { 200: releaseSchema },
    permission: { verb: "get", resource: "releases" },
    errors: ["resource.not-found"],
    act: false,
  }),
  deed("approve", "Approve exactly the plan that planHash names; another person than the requester", {
    verb: "approve",
    body: Type.Object({ planHash: hash }, closed),
  }),
  deed("reject", "Reject a release before it starts", { verb: "approve", body: nothing }),
  deed(
    "start",
    "Start an approved release; one whose plan does not hold any more is planned again and shown. breakGlass starts and keeps it going in a freeze, and is kept for ever",
    {
      verb: "operate",
      body: Type.Object({ breakGlass: Type.Optional(humanText(500)) }, closed),
    },
  ),
  deed("pause", "Begin nothing more until it is continued; what has begun comes to its end", {
    verb: "operate",
    body: nothing,
  }),
  deed("continue", "Go on after a pause or a failure; on production a second person does at planned pauses", {
    verb: "operate",
    body: nothing,
  }),
  deed("abort", "End it; what has been changed stays changed", { verb: "operate", body: nothing }),
  deed("roll-back", "Take it back: every instance it changed goes to what it had before, or at the end of `to`", {
    verb: "operate",
    body: Type.Object({ to: Type.Optional(Type.String({ pattern: "^r-[0-9]{1,12}$" })) }, closed),
  }),
] as const;
