import type { accessKindNames } from "@wcs/core/access-rights";
import { Type, type Static, type TObject } from "typebox";
import { humanText, labelPattern, moment } from "../shared/names.ts";

const name = (description: string) => Type.String({ pattern: labelPattern, description });
const closed = <const P extends Parameters<typeof Type.Object>[0]>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });

const group = closed({
  business: Type.Optional(name("the business that it belongs to, by name; absent: the platform")),
  members: Type.Array(name("a person, by name"), { maxItems: 1000, uniqueItems: true }),
});

const serviceAccount = closed({
  business: Type.Optional(name("the business that it works for, by name; absent: the platform")),
});

const word = Type.String({ pattern: "^(?:\\*|[a-z][a-z0-9-]{0,62})$" });

const role = closed({
  rules: Type.Array(
    closed({
      effect: Type.Enum(["allow", "deny"], { description: "a deny wins over every allow" }),
      verbs: Type.Array(word, {
        minItems: 1,
        maxItems: 50,
        uniqueItems: true,
        description: "such as get, list, create, update, delete; `*` is all",
      }),
      resources: Type.Array(word, {
        minItems: 1,
        maxItems: 100,
        uniqueItems: true,
        description: "plural nouns of the API; `*` is all",
      }),
    }),
    { minItems: 1, maxItems: 100 },
  ),
});

const dcnGroupName = Type.String({ pattern: "^(?:[0-9A-Z]{2}|ADM)$" });

const roleBinding = closed({
  role: name("the role that it gives"),
  subjects: Type.Array(
    closed({
      kind: Type.Enum(["Person", "Group", "ServiceAccount"]),
      name: name("whom it gives it to"),
    }),
    { minItems: 1, maxItems: 1000, uniqueItems: true },
  ),
  businesses: Type.Optional(
    Type.Array(name("a business"), {
      maxItems: 1000,
      uniqueItems: true,
      description: "only on these businesses' records; absent: on all",
    }),
  ),
  environments: Type.Optional(
    Type.Array(name("an environment"), {
      maxItems: 100,
      uniqueItems: true,
      description: "only in these environments; absent: in all",
    }),
  ),
  dcnGroups: Type.Optional(
    Type.Array(dcnGroupName, {
      maxItems: 1000,
      uniqueItems: true,
      description: "only in these DCN groups; absent: in all",
    }),
  ),
  until: Type.Optional(Type.String({ format: "date-time", maxLength: 40, description: "when it ends by itself" })),
});

/** The kinds of people and rights that are not in the estate, with the plural nouns of their routes. */
export const accessKinds = {
  Group: { plural: "groups", meaning: "people who share roles", spec: group },
  ServiceAccount: { plural: "service-accounts", meaning: "a program that works with WCS", spec: serviceAccount },
  Role: { plural: "roles", meaning: "what may, and may not, be done", spec: role },
  RoleBinding: {
    plural: "role-bindings",
    meaning: "a role given to subjects, within businesses, environments and DCN groups",
    spec: roleBinding,
  },
} as const satisfies Readonly<Record<(typeof accessKindNames)[number], unknown>>;

export type AccessKind = keyof typeof accessKinds;

/** What a record of the kind says. */
export type AccessSpec<K extends AccessKind> = Static<(typeof accessKinds)[K]["spec"]>;

/** The JSON Schema of a document of the kind in a file: what `get` shows can be applied again, and its times say nothing. */
export function accessDocumentSchema(kind: AccessKind): TObject {
  return closed({
    kind: Type.Literal(kind),
    name: name("its name, for good"),
    title: Type.Optional(humanText(200)),
    version: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description: "if given, it must still be at this version",
      }),
    ),
    createdAt: Type.Optional(Type.String({ maxLength: 40 })),
    updatedAt: Type.Optional(Type.String({ maxLength: 40 })),
    spec: accessKinds[kind].spec,
  });
}

/** When a record came, and last changed. */
export const recordTimes = { createdAt: moment, updatedAt: moment };
