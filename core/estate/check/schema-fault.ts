import type { ErrorObject } from "ajv";
import { closestWord } from "../faults/closest-word.ts";
import {
  faultMessages,
  fieldName,
  shownValue,
  type EstateFault,
  type FaultValues,
  type FieldPath,
} from "../faults/estate-fault.ts";
import type { EstateFaultCode } from "../faults/fault-texts.ts";
import { nameMaxLength } from "../kinds/fields.ts";
import { addressTextFault, type AddressForm } from "./address-text-fault.ts";

/** A fault without the document that it is in. */
export type FaultParts = Omit<EstateFault, "change" | "kind" | "name">;

/** What ajv found, in WCS's words. */
function schemaFault(error: ErrorObject, document: object, kind: string): FaultParts {
  const path = pathOf(error.instancePath, document);
  const field = fieldName(path);
  const schema = (error.parentSchema ?? {}) as Readonly<Record<string, unknown>>;
  const meaning = typeof schema["description"] === "string" ? schema["description"] : field;
  const value = shownValue(error.data);
  const params = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case "additionalProperties":
      return unknownField(kind, [...path, String(params["additionalProperty"])], schema);
    case "required":
      return missingField([...path, String(params["missingProperty"])], schema);
    case "type":
      return wrongType(path, error.data, String(params["type"]));
    case "const":
    case "enum": {
      const choices = (params["allowedValues"] as readonly string[] | undefined) ?? [String(params["allowedValue"])];
      const closest = typeof error.data === "string" ? closestWord(error.data, choices) : null;
      return parts("choice-unknown", path, { field, value, choices: closest ?? choices.join(", ") });
    }
    case "minimum":
    case "maximum":
      return parts("number-out-of-range", path, { field, value, meaning, ...bound(error.keyword, params["limit"]) });
    case "format": {
      const text = String(error.data);
      const fault = addressTextFault(params["format"] as AddressForm, text) ?? { code: "value-malformed" as const };
      return parts(fault.code, path, { field, value, meaning, network: fault.network ?? text });
    }
    case "pattern":
      return wrongPattern(path, { field, value, meaning }, kind);
    case "uniqueItems": {
      const items = error.data as readonly unknown[];
      return parts("item-repeated", [...path, Number(params["i"])], {
        field,
        value: shownValue(items[Number(params["i"])]),
      });
    }
    default: {
      const keyword = error.keyword.startsWith("min") ? "minimum" : "maximum";
      return parts("length-out-of-range", path, {
        field,
        length: lengthOf(error.data),
        ...bound(keyword, params["limit"]),
      });
    }
  }
}

function parts(code: EstateFaultCode, path: FieldPath, values: FaultValues, at: "key" | "value" = "value"): FaultParts {
  return { code, path, at, ...faultMessages(code, values) };
}

function unknownField(kind: string, path: FieldPath, schema: Readonly<Record<string, unknown>>): FaultParts {
  const field = String(path.at(-1));
  if (schema["properties"] === undefined) {
    // A map: its key is a name.
    const meaning = "lower-case letters, digits and single dashes, beginning with a letter";
    return parts(
      "value-malformed",
      path,
      { field: fieldName(path.slice(0, -1)), value: shownValue(field), meaning },
      "key",
    );
  }
  const known = Object.keys(schema["properties"] as object);
  const closest = closestWord(field, known);
  const choices = closest ?? (known.length === 0 ? "—" : known.join(", "));
  return parts("field-unknown", path, { kind, field: fieldName(path), choices }, "key");
}

function missingField(path: FieldPath, schema: Readonly<Record<string, unknown>>): FaultParts {
  const properties = (schema["properties"] ?? {}) as Readonly<Record<string, Readonly<{ description?: string }>>>;
  const field = String(path.at(-1));
  const meaning = properties[field]?.description ?? `\`${field}\``;
  return parts("field-missing", path, { field: fieldName(path), meaning });
}

const typeWords: Readonly<Record<string, readonly [string, string]>> = {
  string: ["a text", "文本"],
  number: ["a number", "数字"],
  integer: ["a whole number", "整数"],
  boolean: ["true or false", "true 或 false"],
  object: ["a set of fields", "一组字段"],
  array: ["a list", "列表"],
  null: ["empty", "空"],
};

function wrongType(path: FieldPath, data: unknown, expectedType: string): FaultParts {
  const [expected, expectedZh] = typeWords[expectedType] ?? [expectedType, expectedType];
  const foundType = data === null ? "null" : Array.isArray(data) ? "array" : typeof data;
  const [found, foundZh] = typeWords[foundType] ?? [foundType, foundType];
  const scalar = foundType === "number" || foundType === "boolean" || foundType === "string";
  const shown = scalar ? `${shownValue(data)}, ` : "";
  const quote = expectedType === "string" && (foundType === "number" || foundType === "boolean");
  return parts("type-wrong", path, {
    field: fieldName(path),
    found: `${shown}${found}`,
    foundZh: scalar ? `${shownValue(data)}(${foundZh})` : foundZh,
    expected,
    expectedZh,
    hint: quote ? ": put it in quotes" : "",
    hintZh: quote ? ":请加引号" : "",
  });
}

const nameRules: Readonly<Partial<Record<string, readonly [string, string]>>> = {
  Subsystem: ["write four digits in quotes", "请写四位数字并加引号"],
  DCN: ["write three upper-case letters or digits", "请写三位大写字母或数字"],
  DCNGroup: ["write two upper-case letters or digits, or ADM", "请写两位大写字母或数字,或 ADM"],
  Class: [
    "write a size such as 4C8G, or lower-case letters, digits and dashes",
    "请写规格如 4C8G,或小写字母、数字和连字符",
  ],
};
const nameRule = [
  `write lower-case letters, digits and single dashes, beginning with a letter, at most ${nameMaxLength}`,
  `请使用小写字母、数字和单个连字符,以字母开头,最长 ${nameMaxLength} 个字符`,
] as const;

function wrongPattern(
  path: FieldPath,
  values: Readonly<{ field: string; value: string; meaning: string }>,
  kind: string,
): FaultParts {
  if (path.length !== 1 || path[0] !== "name") return parts("value-malformed", path, values);
  const [rule, ruleZh] = nameRules[kind] ?? nameRule;
  return parts("name-malformed", path, { kind, value: values.value, rule, ruleZh });
}

function bound(keyword: string, limit: unknown): Readonly<{ bound: string; boundZh: string; limit: string }> {
  return keyword === "minimum"
    ? { bound: "at least", boundZh: "不小于", limit: String(limit) }
    : { bound: "at most", boundZh: "不大于", limit: String(limit) };
}

function lengthOf(data: unknown): number {
  if (typeof data === "string" || Array.isArray(data)) return data.length;
  return typeof data === "object" && data !== null ? Object.keys(data).length : 0;
}

/** ajv gives a JSON pointer; a digit is a position only where there is a list. */
function pathOf(pointer: string, document: unknown): FieldPath {
  const path: (string | number)[] = [];
  let value: unknown = document;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    const step = Array.isArray(value) ? Number(key) : key;
    path.push(step);
    value = (value as Readonly<Record<string | number, unknown>> | undefined)?.[step];
  }
  return path;
}

/** What ajv found in a document, one fault for each place: a name of the wrong type is not also of the wrong form. */
export function schemaFaults(errors: readonly ErrorObject[], document: object, kind: string): readonly FaultParts[] {
  const byPlace = new Map<string, FaultParts>();
  for (const error of errors) {
    const found = schemaFault(error, document, kind);
    const place = JSON.stringify(found.path);
    if (!byPlace.has(place)) byPlace.set(place, found);
  }
  return [...byPlace.values()];
}
