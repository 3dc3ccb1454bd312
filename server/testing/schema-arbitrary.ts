import * as fc from "fast-check";

type Schema = Readonly<Record<string, unknown>>;

/** Values that fit a JSON Schema of the API's kind (those parts of 2020-12 that its contract uses). */
export function arbitraryOf(schema: unknown): fc.Arbitrary<unknown> {
  const s = schema as Schema;
  const list = (value: unknown): readonly unknown[] => value as readonly unknown[];
  if (s["const"] !== undefined) return fc.constant(s["const"]);
  if (s["enum"] !== undefined) return fc.constantFrom(...list(s["enum"]));
  if (s["anyOf"] !== undefined) return fc.oneof(...list(s["anyOf"]).map(arbitraryOf));
  switch (s["type"]) {
    case "object":
      return objectOf(s);
    case "array":
      return fc.array(arbitraryOf(s["items"] ?? {}), {
        minLength: Number(s["minItems"] ?? 0),
        maxLength: Math.min(Number(s["maxItems"] ?? 3), Number(s["minItems"] ?? 0) + 2),
      });
    case "string":
      return stringOf(s);
    case "integer":
      return fc.integer({
        min: Math.max(Number(s["minimum"] ?? 0), -(2 ** 31)),
        max: Math.min(Number(s["maximum"] ?? 1000), 2 ** 31 - 1),
      });
    case "number":
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function objectOf(schema: Schema): fc.Arbitrary<unknown> {
  const properties = (schema["properties"] ?? {}) as Readonly<Record<string, unknown>>;
  const required = (schema["required"] ?? []) as string[];
  const fields = Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, arbitraryOf(each)]));
  const fixed = fc.record(fields, { requiredKeys: required });
  const patterns = Object.entries((schema["patternProperties"] ?? {}) as Readonly<Record<string, unknown>>);
  const [first] = patterns;
  if (first === undefined) return fixed;
  const [pattern, value] = first;
  const extra = fc.dictionary(fc.stringMatching(new RegExp(pattern)), arbitraryOf(value), {
    minKeys: Number(schema["minProperties"] ?? 0),
    maxKeys: Number(schema["minProperties"] ?? 0) + 2,
  });
  return fc.tuple(fixed, extra).map(([a, b]) => Object.assign({}, a, b));
}

function stringOf(schema: Schema): fc.Arbitrary<string> {
  const [min, max] = [Number(schema["minLength"] ?? 0), Number(schema["maxLength"] ?? 40)];
  if (typeof schema["pattern"] === "string") {
    return fc.stringMatching(
      new RegExp(schema["pattern"]),
      typeof schema["maxLength"] === "number" && schema["maxLength"] < 200 ? { maxLength: schema["maxLength"] } : {},
    );
  }
  switch (schema["format"]) {
    case "date-time":
      return fc
        .date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true })
        .map((date) => date.toISOString());
    case "ipv4":
      return fc.ipV4();
    case "ipv4-cidr":
      return fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, length]) => `${address}/${length}`);
    case "ipv4-range":
      return fc.tuple(fc.ipV4(), fc.ipV4()).map(([a, b]) => `${a}-${b}`);
    default:
      return fc.string({ minLength: min, maxLength: Math.min(max, 60), unit: "grapheme" });
  }
}
