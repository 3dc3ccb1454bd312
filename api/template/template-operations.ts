import { Type } from "typebox";
import { defineOperation } from "../http/operation.ts";
import { humanText, moment } from "../shared/names.ts";
import { dryRunQuery, pageOf, pageQuery } from "../shared/page.ts";
import { templateSpecSchema } from "./template-schema.ts";

const subsystem = Type.String({ pattern: "^[0-9]{4}$", description: "the subsystem's id" });
const versionNumber = Type.Integer({ minimum: 1, maximum: 2_147_483_647 });

/** A template's version as it is listed. */
const summary = {
  subsystem,
  version: versionNumber,
  business: Type.String(),
  note: Type.String(),
  image: Type.String(),
  hash: Type.String({ description: "of the whole spec" }),
  createdBy: Type.String(),
  createdAt: moment,
};

const template = Type.Object({ ...summary, spec: templateSpecSchema });

/** One place where two values differ; a side that lacks the member is absent. */
const differenceSchema = Type.Object({
  path: Type.String(),
  from: Type.Optional(Type.Unknown()),
  to: Type.Optional(Type.Unknown()),
});

const params = Type.Object({ subsystem, version: versionNumber });

export const templateOperations = [
  defineOperation({
    id: "templates.list",
    tag: "templates",
    summary: "Versions of templates, by subsystem, newest first",
    method: "GET",
    path: "/api/v1/templates",
    query: Type.Object({ ...pageQuery, subsystem: Type.Optional(subsystem) }, { additionalProperties: false }),
    answers: { 200: pageOf(Type.Object(summary)) },
    permission: { verb: "list", resource: "templates" },
    errors: ["request.cursor-invalid"],
    act: false,
  }),
  defineOperation({
    id: "templates.create",
    tag: "templates",
    summary:
      "Add a version to a subsystem's template. A version never changes; the same spec again gives the version it has",
    method: "POST",
    path: "/api/v1/templates",
    query: Type.Object(dryRunQuery, { additionalProperties: false }),
    body: Type.Object(
      { subsystem, note: Type.Optional(humanText(500)), spec: templateSpecSchema },
      { additionalProperties: false },
    ),
    answers: { 200: template, 201: template },
    permission: { verb: "create", resource: "templates" },
    errors: ["resource.not-found", "template.invalid"],
    act: true,
  }),
  defineOperation({
    id: "templates.get",
    tag: "templates",
    summary: "One version of a template",
    method: "GET",
    path: "/api/v1/templates/{subsystem}/{version}",
    params,
    answers: { 200: template },
    permission: { verb: "get", resource: "templates" },
    errors: ["resource.not-found"],
    act: false,
  }),
  defineOperation({
    id: "templates.diff",
    tag: "templates",
    summary: "What differs from another version to this one",
    method: "GET",
    path: "/api/v1/templates/{subsystem}/{version}/diff",
    params,
    query: Type.Object({ from: versionNumber }, { additionalProperties: false }),
    answers: {
      200: Type.Object({
        subsystem,
        from: versionNumber,
        to: versionNumber,
        differences: Type.Array(differenceSchema),
      }),
    },
    permission: { verb: "get", resource: "templates" },
    errors: ["resource.not-found"],
    act: false,
  }),
] as const;
