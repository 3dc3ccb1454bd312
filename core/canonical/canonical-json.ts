/**
 * The one text of a JSON value (RFC 8785): members sorted by UTF-16 code units, no spaces, numbers as ECMAScript writes them. A
 * member whose value is `undefined` is left out, as JSON.stringify does. Throws a TypeError that names the path for what JSON cannot
 * say: NaN, infinities, lone surrogates, functions, bigints, cycles.
 */
export function canonicalJson(value: unknown): string {
  return write(value, "$", []);
}

function write(value: unknown, path: string, parents: readonly object[]): string {
  if (value === null) return "null";
  switch (typeof value) {
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`${path}: ${value} is not a JSON number`);
      return JSON.stringify(value);
    case "string":
      return text(value, path);
    case "object":
      break;
    case "undefined":
    case "bigint":
    case "symbol":
    case "function":
      throw new TypeError(`${path}: a ${typeof value} is not JSON`);
  }
  if (parents.includes(value)) throw new TypeError(`${path}: the value contains itself`);
  const below = [...parents, value];
  if (Array.isArray(value)) return `[${value.map((item, index) => write(item, `${path}[${index}]`, below)).join(",")}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${text(key, path)}:${write(member, `${path}.${key}`, below)}`);
  return `{${members.join(",")}}`;
}

function text(value: string, path: string): string {
  if (!value.isWellFormed()) throw new TypeError(`${path}: a lone surrogate is not Unicode text`);
  return JSON.stringify(value);
}
