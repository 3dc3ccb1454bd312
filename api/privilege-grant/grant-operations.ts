import { Type } from "typebox";
import { defineOperation } from "../http/operation.ts";
import { instanceName } from "../instance/index.ts";
import { humanText, moment } from "../shared/names.ts";
import { dryRunQuery, pageOf, pageQuery } from "../shared/page.ts";

const hash = Type.String({ pattern: "^sha256:[0-9a-f]{64}$" });
const maybe = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()]);
const grade = Type.Enum(["raw", "debug"], {
  description: "`raw`: a plain terminal, watched by a second person; `debug`: a debug image beside the container",
});

const grant = Type.Object({
  id: Type.String(),
  person: Type.String({ description: "who may use it" }),
  grade,
  instances: Type.Array(instanceName),
  capabilities: Type.Array(Type.String()),
  image: maybe(Type.String()),
  minutes: Type.Integer(),
  business: Type.String(),
  hash: Type.String({ description: "of what is asked for: an approval is bound to it" }),
  state: Type.Enum(["awaiting-approval", "approved", "rejected", "withdrawn", "ended", "expired"]),
  active: Type.Boolean({ description: "whether it counts now" }),
  approvedBy: maybe(Type.String()),
  startsAt: maybe(moment),
  endsAt: maybe(moment),
  why: Type.String({ description: "what it is for" }),
  note: Type.String({ description: "why it was rejected or ended" }),
  ticket: maybe(Type.String()),
  createdAt: moment,
  version: Type.Integer(),
});

const params = Type.Object({ id: Type.String({ pattern: "^g-[0-9]{1,12}$" }) });
const dryRun = Type.Object(dryRunQuery, { additionalProperties: false });
const note = Type.Object({ note: humanText(500) }, { additionalProperties: false });

export const grantOperations = [
  defineOperation({
    id: "grants.list",
    tag: "grants",
    summary: "Privilege grants, newest first",
    method: "GET",
    path: "/api/v1/grants",
    query: Type.Object(
      { ...pageQuery, person: Type.Optional(Type.String({ maxLength: 63 })), instance: Type.Optional(instanceName) },
      { additionalProperties: false },
    ),
    answers: { 200: pageOf(grant) },
    permission: { verb: "list", resource: "grants" },
    errors: ["request.cursor-invalid"],
    act: false,
  }),
  defineOperation({
    id: "grants.create",
    tag: "grants",
    summary: "Ask for a privilege for oneself: on which instances, for how long, and why (WCS-Reason)",
    method: "POST",
    path: "/api/v1/grants",
    query: dryRun,
    body: Type.Object(
      {
        grade,
        instances: Type.Array(instanceName, { minItems: 1, maxItems: 100 }),
        capabilities: Type.Optional(Type.Array(Type.String({ maxLength: 40 }), { maxItems: 10, uniqueItems: true })),
        image: Type.Optional(Type.String({ minLength: 1, maxLength: 400 })),
        minutes: Type.Integer({ minimum: 1, maximum: 480 }),
      },
      { additionalProperties: false },
    ),
    answers: { 201: grant },
    permission: { verb: "create", resource: "grants" },
    errors: ["resource.not-found", "act.reason-required", "grant.refused"],
    act: true,
  }),
  defineOperation({
    id: "grants.get",
    tag: "grants",
    summary: "One privilege grant",
    method: "GET",
    path: "/api/v1/grants/{id}",
    params,
    answers: { 200: grant },
    permission: { verb: "get", resource: "grants" },
    errors: ["resource.not-found"],
    act: false,
  }),
  defineOperation({
    id: "grants.approve",
    tag: "grants",
    summary: "Approve another person's grant, exactly as `hash` names it; its time begins now",
    method: "POST",
    path: "/api/v1/grants/{id}/approve",
    params,
    query: dryRun,
    body: Type.Object({ hash }, { additionalProperties: false }),
    answers: { 200: grant },
    permission: { verb: "approve", resource: "grants" },
    errors: ["resource.not-found", "auth.forbidden", "approval.refused"],
    act: true,
  }),
  defineOperation({
    id: "grants.reject",
    tag: "grants",
    summary: "Reject another person's grant, or end it before its time; what runs under it ends",
    method: "POST",
    path: "/api/v1/grants/{id}/reject",
    params,
    query: dryRun,
    body: note,
    answers: { 200: grant },
    permission: { verb: "approve", resource: "grants" },
    errors: ["resource.not-found", "auth.forbidden", "approval.refused"],
    act: true,
  }),
  defineOperation({
    id: "grants.end",
    tag: "grants",
    summary: "End one's own grant before its time, or withdraw it while it waits; what runs under it ends",
    method: "POST",
    path: "/api/v1/grants/{id}/end",
    params,
    query: dryRun,
    body: note,
    answers: { 200: grant },
    permission: { verb: "create", resource: "grants" },
    errors: ["resource.not-found", "auth.forbidden", "approval.refused"],
    act: true,
  }),
] as const;
