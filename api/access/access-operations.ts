import { Type } from "typebox";
import { defineOperation } from "../http/operation.ts";
import { humanText, labelPattern } from "../shared/names.ts";
import { dryRunQuery, pageOf, pageQuery } from "../shared/page.ts";
import { accessKinds, recordTimes, type AccessKind } from "./access-kinds.ts";

const params = Type.Object({ name: Type.String({ pattern: labelPattern }) });
const title = Type.Optional(humanText(200));
const dryRun = Type.Object(dryRunQuery, { additionalProperties: false });

function operationsOf<const K extends AccessKind>(kind: K) {
  const { plural, meaning, spec } = accessKinds[kind];
  const noun = kind.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
  const record = Type.Object({
    kind: Type.Literal(kind),
    name: Type.String(),
    title,
    spec: spec,
    version: Type.Integer(),
    ...recordTimes,
  });
  const document = { title, spec: spec as (typeof accessKinds)[K]["spec"] };
  const path = `/api/v1/${plural}`;
  const onOne = `${path}/{name}`;
  const common = { tag: plural, params, errors: [] } as const;
  return {
    list: defineOperation({
      id: `${plural}.list`,
      tag: plural,
      summary: `List ${plural}: ${meaning}`,
      method: "GET",
      path,
      query: Type.Object(pageQuery, { additionalProperties: false }),
      answers: { 200: pageOf(record) },
      permission: { verb: "list", resource: plural },
      errors: ["request.cursor-invalid"],
      act: false,
    }),
    get: defineOperation({
      ...common,
      id: `${plural}.get`,
      summary: `Get a ${noun}`,
      method: "GET",
      path: onOne,
      answers: { 200: record },
      permission: { verb: "get", resource: plural },
      act: false,
    }),
    create: defineOperation({
      id: `${plural}.create`,
      tag: plural,
      summary: `Create a ${noun}`,
      method: "POST",
      path,
      query: dryRun,
      body: Type.Object({ name: Type.String({ pattern: labelPattern }), ...document }, { additionalProperties: false }),
      answers: { 201: record },
      permission: { verb: "create", resource: plural },
      errors: ["resource.exists", "resource.reference-missing", "access.exceeds-own"],
      act: true,
    }),
    replace: defineOperation({
      ...common,
      id: `${plural}.replace`,
      summary: `Replace a ${noun}`,
      method: "PUT",
      path: onOne,
      query: dryRun,
      body: Type.Object(document, { additionalProperties: false }),
      answers: { 200: record },
      permission: { verb: "update", resource: plural },
      errors: ["resource.reference-missing", "access.exceeds-own"],
      act: true,
      ifMatch: true,
    }),
    remove: defineOperation({
      ...common,
      id: `${plural}.delete`,
      summary: `Delete a ${noun}; refused while something refers to it`,
      method: "DELETE",
      path: onOne,
      query: dryRun,
      answers: { 204: null },
      permission: { verb: "delete", resource: plural },
      errors: ["resource.referenced", "access.exceeds-own"],
      act: true,
      ifMatch: true,
    }),
  };
}

/** The operations of groups, service accounts, roles and role bindings, by kind. */
export const accessOperations = {
  Group: operationsOf("Group"),
  ServiceAccount: operationsOf("ServiceAccount"),
  Role: operationsOf("Role"),
  RoleBinding: operationsOf("RoleBinding"),
};

/** The same as a list. */
export const accessOperationList = Object.values(accessOperations).flatMap(({ list, get, create, replace, remove }) => [
  list,
  get,
  create,
  replace,
  remove,
]);
