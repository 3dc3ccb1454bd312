import type { Operation, ProblemDetail } from "@wcs/api";
import { requestHeaders } from "@wcs/api";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { addFormats } from "./add-formats.ts";
import { Failure } from "./failure.ts";
import { unkeptText } from "./unkept-text.ts";

/** Checks the parts of a request against the operation's schemas; the texts of path, query and headers become numbers and booleans. */
export type RequestValidator = Readonly<{
  params: (value: unknown) => void;
  query: (value: unknown) => void;
  headers: (value: unknown) => void;
  body: (value: unknown) => void;
}>;

const options = { allErrors: true, strict: false, useDefaults: true, discriminator: false } as const;
const mostErrors = 100;

const strictAjv = new Ajv2020(options);
const coercingAjv = new Ajv2020({ ...options, coerceTypes: "array" });
addFormats(strictAjv);
addFormats(coercingAjv);

/** Compiles an operation's schemas once. */
export function requestValidator(operation: Operation): RequestValidator {
  const headers = Object.fromEntries(requestHeaders(operation).map(({ name, schema }) => [name.toLowerCase(), schema]));
  return {
    params: check("path", operation.params === undefined ? null : coercingAjv.compile(operation.params)),
    query: check("query", coercingAjv.compile(operation.query ?? { type: "object", additionalProperties: false })),
    headers: check("header", coercingAjv.compile({ type: "object", properties: headers })),
    body: check("body", operation.body === undefined ? null : strictAjv.compile(operation.body)),
  };
}

function check(place: string, validate: ValidateFunction | null): (value: unknown) => void {
  return (value) => {
    if (validate === null) return;
    if (validate(value)) return requireKept(place, value);
    const errors = (validate.errors ?? []).slice(0, mostErrors).map((error) => detailOf(place, error));
    throw new Failure("request.invalid", `the ${place} does not fit its schema`, { errors });
  };
}

function requireKept(place: string, value: unknown): void {
  const found = unkeptText(value);
  if (found === null) return;
  const errors = [{ pointer: `${prefixOf(place)}${found.pointer}`, message: found.message }];
  throw new Failure("request.invalid", `the ${place} has text that can't be kept`, { errors });
}

const prefixOf = (place: string): string => (place === "body" ? "" : `${place}:`);

function detailOf(place: string, error: ErrorObject): ProblemDetail {
  const missing = error.keyword === "required" ? `/${String(error.params["missingProperty"])}` : "";
  const extra =
    error.keyword === "additionalProperties" ? `/${String(error.params["additionalProperty"]).slice(0, 100)}` : "";
  const allowed = error.keyword === "enum" ? `: ${(error.params["allowedValues"] as unknown[]).join(", ")}` : "";
  return {
    pointer: `${prefixOf(place)}${error.instancePath}${missing}${extra}`,
    code: error.keyword,
    message: `${error.message ?? "is not valid"}${allowed}`,
  };
}
