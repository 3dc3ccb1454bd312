/**
 * The one text of a JSON value (RFC 8785): members sorted by UTF-16 code units, no spaces, numbers as ECMAScript writes them. A
 * member whose value is `undefined` is left out, as JSON.stringify does. Throws a TypeError that names the path for what JSON cannot
 * say: NaN, infinities, lone surrogates, functions, bigints, cycles.
 */
export function canonicalJson(value: unknown): string {
  return quickly(value, 0) ?? write(value, "$", []);
}

/** Deeper than this, a value is written the slow way, which finds cycles. */
const quickDepth = 64;

/** The text, or null for what JSON can't say: the path to that is not kept on the way, since values are large and mostly good. */
function quickly(value: unknown, depth: number): string | null {
  if (typeof value === "string") return value.isWellFormed() ? JSON.stringify(value) : null;
  if (typeof value === "number") return Number.isFinite(value) ? JSON.stringify(value) : null;
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value !== "object" || depth === quickDepth) return null;
  let text = "";
  if (Array.isArray(value)) {
    for (const item of value) {
      const written = quickly(item, depth + 1);
      if (written === null) return null;
      text += text === "" ? written : `,${written}`;
    }
    return `[${text}]`;
  }
  const members = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(members).sort()) {
    const member = members[key];
    if (member === undefined) continue;
    const written = key.isWellFormed() ? quickly(member, depth + 1) : null;
    if (written === null) return null;
    text += text === "" ? `${JSON.stringify(key)}:${written}` : `,${JSON.stringify(key)}:${written}`;
  }
  return `{${text}}`;
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
