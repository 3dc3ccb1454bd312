import { Type } from "typebox";
import { defineOperation } from "../http/operation.ts";
import { labelPattern, moment } from "../shared/names.ts";
import { dryRunQuery, pageOf, pageQuery } from "../shared/page.ts";

const maybe = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()]);
const host = Type.String({ pattern: labelPattern });

const agent = Type.Object({
  host,
  state: Type.Enum(["joined", "revoked"]),
  reason: maybe(Type.String({ description: "why it was revoked" })),
  joinedAt: moment,
  certificate: maybe(Type.Object({ serial: Type.String(), issuedAt: moment, expiresAt: moment })),
  links: Type.Array(Type.Object({ server: Type.String(), since: moment }), {
    description: "the servers that it is connected to now",
  }),
  version: Type.Integer(),
});

const params = Type.Object({ name: host });

export const agentOperations = [
  defineOperation({
    id: "agents.list",
    tag: "agents",
    summary: "The agents of hosts that have joined, by host",
    method: "GET",
    path: "/api/v1/agents",
    query: Type.Object(pageQuery, { additionalProperties: false }),
    answers: { 200: pageOf(agent) },
    permission: { verb: "list", resource: "agents" },
    errors: ["request.cursor-invalid"],
    act: false,
  }),
  defineOperation({
    id: "agents.get",
    tag: "agents",
    summary: "The agent of one host",
    method: "GET",
    path: "/api/v1/agents/{name}",
    params,
    answers: { 200: agent },
    permission: { verb: "get", resource: "agents" },
    errors: ["resource.not-found"],
    act: false,
  }),
  defineOperation({
    id: "agents.create-join-token",
    tag: "agents",
    summary:
      "Make the token by which the agent of this host joins, once; its text is in this answer and nowhere else. An earlier one that was not used ends",
    method: "POST",
    path: "/api/v1/agents/{name}/join-token",
    params,
    query: Type.Object(dryRunQuery, { additionalProperties: false }),
    body: Type.Object(
      { lifetimeMinutes: Type.Integer({ minimum: 1, maximum: 10_080 }) },
      { additionalProperties: false },
    ),
    answers: {
      201: Type.Object({
        host,
        text: Type.String({ description: "the token; empty in a dry run" }),
        expiresAt: moment,
      }),
    },
    permission: { verb: "create", resource: "agents" },
    errors: ["resource.not-found"],
    act: true,
    answersSecret: true,
  }),
  defineOperation({
    id: "agents.revoke",
    tag: "agents",
    summary: "End the effect of the agent's certificate at once, on every server; it needs a new token to come back",
    method: "POST",
    path: "/api/v1/agents/{name}/revoke",
    params,
    query: Type.Object(dryRunQuery, { additionalProperties: false }),
    answers: { 200: agent },
    permission: { verb: "delete", resource: "agents" },
    errors: ["resource.not-found", "act.reason-required"],
    act: true,
  }),
] as const;
