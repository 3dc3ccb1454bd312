import { Type } from "typebox";
import { defineOperation } from "../http/operation.ts";
import { humanText, labelPattern, moment } from "../shared/names.ts";
import { dryRunQuery, pageOf, pageQuery } from "../shared/page.ts";

const names = Type.Array(Type.String({ minLength: 1, maxLength: 63 }), { minItems: 1, maxItems: 100 });

/** What the token may at most do, whoever's it is; a missing list does not restrict. */
export const tokenScopeSchema = Type.Object(
  {
    verbs: Type.Optional(names),
    resources: Type.Optional(names),
    businesses: Type.Optional(names),
    environments: Type.Optional(names),
  },
  { additionalProperties: false },
);

const subject = Type.Object(
  {
    kind: Type.Enum(["Person", "ServiceAccount"]),
    name: Type.String({ pattern: labelPattern }),
  },
  { additionalProperties: false },
);

const token = Type.Object({
  id: Type.String(),
  subject: Type.Object({ kind: Type.Enum(["Person", "ServiceAccount", "System"]), name: Type.String() }),
  description: Type.String(),
  scope: Type.Union([tokenScopeSchema, Type.Null()]),
  createdAt: moment,
  expiresAt: moment,
  revokedAt: Type.Union([moment, Type.Null()]),
  lastUsedAt: Type.Union([moment, Type.Null()]),
});

const params = Type.Object({ id: Type.String({ pattern: "^[0-9a-f]{20}$" }) });

export const tokenOperations = [
  defineOperation({
    id: "tokens.list",
    tag: "tokens",
    summary: "API tokens: one's own, and those of subjects that one may administer; never their secrets",
    method: "GET",
    path: "/api/v1/tokens",
    query: Type.Object(pageQuery, { additionalProperties: false }),
    answers: { 200: pageOf(token) },
    permission: "authenticated",
    errors: ["request.cursor-invalid"],
    act: false,
  }),
  defineOperation({
    id: "tokens.create",
    tag: "tokens",
    summary: "Make an API token; its text is in this answer and nowhere else. Without a subject it is one's own",
    method: "POST",
    path: "/api/v1/tokens",
    query: Type.Object(dryRunQuery, { additionalProperties: false }),
    body: Type.Object(
      {
        subject: Type.Optional(subject),
        description: Type.Optional(humanText(200)),
        scope: Type.Optional(tokenScopeSchema),
        lifetimeHours: Type.Integer({ minimum: 1, maximum: 8784 }),
      },
      { additionalProperties: false },
    ),
    answers: {
      201: Type.Object({ token, text: Type.String({ description: "the bearer token; empty in a dry run" }) }),
    },
    permission: "authenticated",
    errors: ["auth.forbidden", "resource.not-found", "resource.reference-missing", "token.exceeds-own"],
    act: true,
    answersSecret: true,
  }),
  defineOperation({
    id: "tokens.revoke",
    tag: "tokens",
    summary: "Revoke a token; it is refused within a second",
    method: "DELETE",
    path: "/api/v1/tokens/{id}",
    params,
    query: Type.Object(dryRunQuery, { additionalProperties: false }),
    answers: { 204: null },
    permission: "authenticated",
    errors: ["auth.forbidden"],
    act: true,
  }),
] as const;
