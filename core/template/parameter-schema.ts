import { Ajv2020 } from "ajv/dist/2020.js";
import type { ErrorObject } from "ajv";
import type { ParameterSchema, ParameterValue, ParameterValues, Problem } from "./template-spec.ts";

export const maxParameters = 100;
const maxTextLength = 4096;
const maxPatternLength = 200;

/** What a parameter may say about itself. References, combinations and formats may not: a schema stays a form that a person can fill in. */
const propertyMembers = [
  "type",
  "title",
  "description",
  "default",
  "enum",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "pattern",
  "minItems",
  "maxItems",
  "items",
];

/** What is wrong with a template's parameter schema itself, defaults included. */
export function checkParameterSchema(schema: ParameterSchema): readonly Problem[] {
  const problems: Problem[] = [];
  const report = (path: string, problem: string, remedy: string) => problems.push({ path, problem, remedy });
  const names = Object.keys(schema.properties);
  if (names.length > maxParameters) {
    report("parameters.properties", `there are ${names.length}`, `keep to ${maxParameters} parameters`);
    return problems;
  }
  for (const name of names) {
    const path = `parameters.properties.${name}`;
    const property = schema.properties[name] as Record<string, unknown>;
    if (!/^[a-z][A-Za-z0-9]{0,62}$/.test(name)) {
      report(path, "is not a name", "begin with a lower-case letter; use letters and digits");
    }
    for (const member of Object.keys(property)) {
      if (!propertyMembers.includes(member)) {
        report(`${path}.${member}`, "is not supported", `use only ${propertyMembers.join(", ")}`);
      }
    }
    const items = property["items"] as Record<string, unknown> | undefined;
    if ((property["type"] === "array") !== (items !== undefined)) {
      report(
        `${path}.items`,
        "belongs to an array, and to nothing else",
        "say what an array's items are, and only an array's",
      );
    }
    for (const [at, pattern] of [
      [`${path}.pattern`, property["pattern"]],
      [`${path}.items.pattern`, items?.["pattern"]],
    ] as const) {
      if (typeof pattern === "string") problems.push(...checkPattern(at, pattern));
    }
  }
  for (const [index, name] of (schema.required ?? []).entries()) {
    if (!names.includes(name)) {
      report(`parameters.required[${index}]`, `${name} is not a parameter`, "name one of the properties");
    }
  }
  if (problems.length > 0) return problems;
  try {
    compile(schema);
  } catch (error) {
    report("parameters", error instanceof Error ? error.message : String(error), "write a valid JSON Schema (2020-12)");
    return problems;
  }
  const defaults = defaultsOf(schema);
  return checkParameters({ ...schema, required: [] }, defaults).map((problem) => ({
    ...problem,
    path: problem.path.replace(/^parameters\.(\w+)/, "parameters.properties.$1.default"),
  }));
}

/**
 * A pattern that cannot take exponential time: no repeated group that repeats inside, no back reference, no look-around. What is left is at
 * worst polynomial in a text of at most 4,096 characters.
 */
function checkPattern(path: string, pattern: string): readonly Problem[] {
  if (pattern.length > maxPatternLength) {
    return [{ path, problem: `has ${pattern.length} characters`, remedy: `keep to ${maxPatternLength}` }];
  }
  try {
    RegExp(pattern, "u");
  } catch (error) {
    return [
      {
        path,
        problem: error instanceof Error ? error.message : String(error),
        remedy: "write a valid regular expression",
      },
    ];
  }
  if (/\\[1-9]|\\k|\(\?[=!<]/.test(pattern)) {
    return [{ path, problem: "uses a back reference or looks around", remedy: "write it without" }];
  }
  if (hasRepeatedGroup(pattern)) {
    return [
      {
        path,
        problem: "repeats a group",
        remedy: "repeat characters and classes only: [a-z]+(-[a-z]+)? and not ([a-z]+)*",
      },
    ];
  }
  return [];
}

function hasRepeatedGroup(pattern: string): boolean {
  let inClass = false;
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at];
    if (character === "\\") at += 1;
    else if (character === "[") inClass = true;
    else if (character === "]") inClass = false;
    else if (character === ")" && !inClass && /^[*+{]/.test(pattern.slice(at + 1))) return true;
  }
  return false;
}

/** The values that a template's parameters have when nobody gives one. */
export function defaultsOf(schema: ParameterSchema): ParameterValues {
  const defaults: Record<string, ParameterValue> = {};
  for (const [name, property] of Object.entries(schema.properties)) {
    if (property.default !== undefined) defaults[name] = property.default;
  }
  return defaults;
}

/** What is wrong with the values given for a checked schema's parameters. Defaults count as given. */
export function checkParameters(schema: ParameterSchema, values: ParameterValues): readonly Problem[] {
  const long = Object.entries(values).filter(([, value]) => JSON.stringify(value).length > maxTextLength);
  if (long.length > 0) {
    return long.map(([name]) => ({
      path: `parameters.${name}`,
      problem: "is too long",
      remedy: `keep to ${maxTextLength} characters; what is longer belongs into the template's files`,
    }));
  }
  const validate = compile(schema);
  if (validate({ ...defaultsOf(schema), ...values })) return [];
  return (validate.errors ?? []).map((error) => problemOf(error, schema));
}

function compile(schema: ParameterSchema) {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    strictTypes: true,
    addUsedSchema: false,
    validateSchema: true,
  });
  return ajv.compile({ ...schema, additionalProperties: false });
}

function problemOf(error: ErrorObject, schema: ParameterSchema): Problem {
  const inside = error.instancePath.slice(1).replaceAll("/", ".");
  const params = error.params as Readonly<Record<string, unknown>>;
  const known = Object.keys(schema.properties).join(", ") || "none";
  switch (error.keyword) {
    case "required":
      return {
        path: `parameters.${String(params["missingProperty"])}`,
        problem: "is missing",
        remedy: "give it a value",
      };
    case "additionalProperties":
      return {
        path: `parameters.${String(params["additionalProperty"])}`,
        problem: "is not a parameter of this template",
        remedy: `known are: ${known}`,
      };
    case "enum":
      return {
        path: `parameters.${inside}`,
        problem: "is not one of the values allowed",
        remedy: `use one of ${JSON.stringify(params["allowedValues"])}`,
      };
    default:
      return {
        path: `parameters.${inside}`,
        problem: error.message ?? error.keyword,
        remedy: "see the template's parameters",
      };
  }
}
