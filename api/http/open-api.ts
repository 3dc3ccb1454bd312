import type { TSchema } from "typebox";
import { problemCodes, type ProblemCode } from "../problem/problem-codes.ts";
import { problemSchema } from "../problem/problem-schema.ts";
import { errorCodesOf } from "./error-codes.ts";
import type { Operation } from "./operation.ts";
import { requestHeaders } from "./request-headers.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

/** The OpenAPI 3.1 document of the operations; schemas are JSON Schema 2020-12 as they validate. */
export function openApiDocument(operations: readonly Operation[], version: string): JsonObject {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of [...operations].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const path = (paths[operation.path] ??= {});
    path[operation.method.toLowerCase()] = operationObject(operation);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "WCS",
      version,
      description: "One platform API over every Kubernetes cluster and every virtual machine of a bank.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer", description: "An API token, `wcs_…`" } },
      schemas: { Problem: plain(problemSchema) },
    },
  };
}

function operationObject(operation: Operation): JsonObject {
  const mediaType = operation.bodyMediaType ?? "application/json";
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    parameters: [
      ...parameters("path", operation.params),
      ...parameters("query", operation.query),
      ...requestHeaders(operation).map((header) => ({
        name: header.name,
        in: "header",
        required: false,
        description: header.description,
        schema: plain(header.schema),
      })),
    ],
    ...(operation.body === undefined
      ? {}
      : { requestBody: { required: true, content: { [mediaType]: { schema: plain(operation.body) } } } }),
    responses: responses(operation),
    ...(operation.permission === "public" ? { security: [] } : {}),
    "x-permission":
      typeof operation.permission === "string"
        ? operation.permission
        : `${operation.permission.verb} ${operation.permission.resource}`,
  };
}

function parameters(place: "path" | "query", schema: TSchema | undefined): Json[] {
  if (schema === undefined) return [];
  const object = plain(schema) as { properties?: Record<string, JsonObject>; required?: readonly string[] };
  return Object.entries(object.properties ?? {}).map(([name, property]) => ({
    name,
    in: place,
    required: place === "path" || (object.required ?? []).includes(name),
    ...(typeof property["description"] === "string" ? { description: property["description"] } : {}),
    schema: property,
  }));
}

function responses(operation: Operation): JsonObject {
  const result: Record<string, Json> = {};
  for (const [status, schema] of Object.entries(operation.answers)) {
    result[status] = {
      description: status === "204" ? "Done; nothing to say" : "Done",
      ...(schema === null
        ? {}
        : { content: { [operation.answerMediaType ?? "application/json"]: { schema: plain(schema) } } }),
    };
  }
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of errorCodesOf(operation)) {
    const { status } = problemCodes[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  for (const [status, codes] of [...byStatus].sort(([a], [b]) => a - b)) {
    result[String(status)] = {
      description: codes.map((code) => `\`${code}\`: ${problemCodes[code].title}`).join("; "),
      content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    };
  }
  return result;
}

/** A schema as plain JSON: typebox's own marks are not enumerable or are symbols, and fall away. */
function plain(schema: TSchema): JsonObject {
  return JSON.parse(JSON.stringify(schema)) as JsonObject;
}
