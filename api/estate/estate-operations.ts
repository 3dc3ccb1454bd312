import { accessKindNames } from "@wcs/core/access-rights";
import {
  estateDocumentSchema,
  estateKindNames,
  estateKinds,
  importPathPattern,
  type EstateDocument,
  type EstateKind,
} from "@wcs/core/estate";
import { Type, type TObject, type TSchema, type TUnsafe } from "typebox";
import { defineOperation } from "../http/operation.ts";
import { dryRunQuery, pageOf, pageQuery } from "../shared/page.ts";
import { estateFilters } from "./filters/estate-filters.ts";

/** A document as the API shows it: with its version, which is also its ETag. */
export type EstateRecord<K extends EstateKind = EstateKind> = EstateDocument<K> & Readonly<{ version: number }>;

const dryRun = Type.Object(dryRunQuery, { additionalProperties: false });
const filterValue = Type.Optional(Type.String({ minLength: 1, maxLength: 63, description: "exactly this value" }));

function operationsOf(kind: EstateKind) {
  const { plural, meaning, namePattern } = estateKinds[kind];
  const schema = estateDocumentSchema(kind);
  const record = recordSchema(schema);
  const body = Type.Unsafe<Omit<EstateDocument, "spec"> & { spec?: EstateDocument["spec"] }>(schema);
  const path = `/api/v1/${plural}`;
  const onOne = `${path}/{name}`;
  const params = Type.Object({ name: Type.String({ pattern: namePattern, maxLength: 63 }) });
  const filters: Record<string, typeof filterValue> = {};
  for (const field of estateFilters[kind]) filters[field] = filterValue;
  const common = { tag: plural, params, errors: [] } as const;
  return {
    list: defineOperation({
      id: `${plural}.list`,
      tag: plural,
      summary: `List ${plural}, in the order of their names. ${meaning}`,
      method: "GET",
      path,
      query: Type.Unsafe<Readonly<{ limit?: number; cursor?: string }> & Readonly<Record<string, string | number>>>(
        Type.Object({ ...pageQuery, ...filters }, { additionalProperties: false }),
      ),
      answers: { 200: pageOf(record) },
      permission: { verb: "list", resource: plural },
      errors: ["request.cursor-invalid"],
      act: false,
    }),
    get: defineOperation({
      ...common,
      id: `${plural}.get`,
      summary: `Get one of the ${plural}`,
      method: "GET",
      path: onOne,
      answers: { 200: record },
      permission: { verb: "get", resource: plural },
      act: false,
    }),
    create: defineOperation({
      id: `${plural}.create`,
      tag: plural,
      summary: `Create one of the ${plural}`,
      method: "POST",
      path,
      query: dryRun,
      body,
      answers: { 201: record },
      permission: { verb: "create", resource: plural },
      errors: ["resource.exists", "resource.not-found", "resource.version-mismatch", "estate.invalid"],
      act: true,
    }),
    replace: defineOperation({
      ...common,
      id: `${plural}.replace`,
      summary: `Replace one of the ${plural}, whole`,
      method: "PUT",
      path: onOne,
      query: dryRun,
      body,
      answers: { 200: record },
      permission: { verb: "update", resource: plural },
      errors: ["estate.invalid"],
      act: true,
      ifMatch: true,
    }),
    remove: defineOperation({
      ...common,
      id: `${plural}.delete`,
      summary: `Delete one of the ${plural}; refused while something needs it`,
      method: "DELETE",
      path: onOne,
      query: dryRun,
      answers: { 204: null },
      permission: { verb: "delete", resource: plural },
      errors: ["resource.referenced", "estate.invalid"],
      act: true,
      ifMatch: true,
    }),
  };
}

/** What a document's schema takes, as it is answered: `version` and `spec` are always there. */
function recordSchema(schema: TObject): TUnsafe<EstateRecord> {
  const { version, spec, ...rest } = schema.properties as Readonly<Record<string, TSchema>>;
  if (version === undefined || spec === undefined) throw new TypeError("a document has a version and a spec");
  return Type.Unsafe<EstateRecord>({
    ...schema,
    properties: { ...rest, version, spec },
    required: ["kind", "name", "spec", "version"],
  });
}

/** The operations of each kind of the estate. */
export const estateOperations = Object.fromEntries(
  estateKindNames.map((kind) => [kind, operationsOf(kind)]),
) as Readonly<Record<EstateKind, ReturnType<typeof operationsOf>>>;

const change = Type.Object({
  path: Type.String({ description: "such as spec.capacity.cpuMilli" }),
  from: Type.Optional(Type.Unknown({ description: "absent: the field was not there" })),
  to: Type.Optional(Type.Unknown({ description: "absent: the field is no longer there" })),
});

const outcome = Type.Object({
  kind: Type.Enum([...estateKindNames, ...accessKindNames]),
  name: Type.String(),
  action: Type.Enum(["created", "changed", "unchanged", "deleted"]),
  differences: Type.Optional(Type.Array(change, { description: "of what is `changed`" })),
});

const ref = Type.Object(
  {
    kind: Type.Enum([...estateKindNames]),
    name: Type.String({ minLength: 1, maxLength: 63 }),
    version: Type.Optional(Type.Integer({ minimum: 1, description: "if given, it must still be at this version" })),
  },
  { additionalProperties: false },
);

/** Many changes of the estate as one: all or nothing. */
export const changeEstate = defineOperation({
  id: "estate-changes.create",
  tag: "estate",
  summary:
    "Create, replace and delete many documents of the estate as one: all or nothing. Every fault of every document is answered at once; `pointer` says where",
  method: "POST",
  path: "/api/v1/estate-changes",
  query: dryRun,
  body: Type.Object(
    {
      documents: Type.Optional(
        Type.Array(Type.Unknown(), {
          maxItems: 100_000,
          description:
            "whole documents, each as the schema of its kind says (docs/estate.md), groups, service accounts, roles and role bindings too; checked by the estate's rules, so that all faults come together",
        }),
      ),
      deletions: Type.Optional(Type.Array(ref, { maxItems: 100_000 })),
    },
    { additionalProperties: false },
  ),
  bodyLimitBytes: 64 * 1024 * 1024,
  answers: {
    200: Type.Object({
      outcomes: Type.Array(outcome, { description: "in the order of the request: documents, then deletions" }),
      version: Type.Integer({ description: "of all that was created or changed" }),
    }),
  },
  permission: "authenticated",
  errors: [
    "auth.forbidden",
    "resource.not-found",
    "resource.version-mismatch",
    "resource.referenced",
    "estate.invalid",
    "access.exceeds-own",
  ],
  act: true,
});

/** What another system, such as the CMDB, knows of documents, over what is there. */
export const importEstate = defineOperation({
  id: "estate-imports.create",
  tag: "estate",
  summary:
    "Bring what another system knows of documents over what is there, all or nothing: a row for each document, with texts for the fields that it knows. What a row does not name, or names with an empty text, stays; `-` takes a field out. `pointer` of an error says which row's value",
  method: "POST",
  path: "/api/v1/estate-imports",
  query: dryRun,
  body: Type.Object(
    {
      rows: Type.Array(
        Type.Object(
          {
            kind: Type.Enum([...estateKindNames]),
            name: Type.String({ minLength: 1, maxLength: 63 }),
            values: Type.Record(Type.String({ pattern: importPathPattern }), Type.String({ maxLength: 4000 }), {
              maxProperties: 100,
              additionalProperties: false,
              description:
                "by path: `title`, `labels.KEY`, or a field of `spec` such as `rack` or `capacity.cpuMilli`; items of a list are parted by `|`",
            }),
          },
          { additionalProperties: false },
        ),
        { maxItems: 100_000 },
      ),
    },
    { additionalProperties: false },
  ),
  bodyLimitBytes: 64 * 1024 * 1024,
  answers: {
    200: Type.Object({
      outcomes: Type.Array(outcome, { description: "in the order of the rows" }),
      version: Type.Integer({ description: "of all that was created or changed" }),
    }),
  },
  permission: "authenticated",
  errors: ["auth.forbidden", "resource.not-found", "estate.invalid"],
  act: true,
});

/** Who uses a document of the estate. */
export const listUses = defineOperation({
  id: "estate-uses.list",
  tag: "estate",
  summary:
    "List what uses a document of the estate and keeps it from being deleted: documents, instances, groups, tokens and so on",
  method: "GET",
  path: "/api/v1/estate-uses",
  query: Type.Object(
    { kind: Type.Enum([...estateKindNames]), name: Type.String({ minLength: 1, maxLength: 63 }) },
    { additionalProperties: false },
  ),
  answers: {
    200: Type.Object({
      items: Type.Array(Type.Object({ kind: Type.String(), name: Type.String() })),
      more: Type.Boolean({ description: "there are more: beyond the limit, or such as the caller may not see" }),
    }),
  },
  permission: "authenticated",
  errors: ["resource.not-found", "auth.forbidden"],
  act: false,
});

/** All operations of the estate. */
export const estateOperationList = [
  ...estateKindNames.flatMap((kind) => {
    const { list, get, create, replace, remove } = estateOperations[kind];
    return [list, get, create, replace, remove];
  }),
  changeEstate,
  importEstate,
  listUses,
];
