import type { EstateDocument } from "../estate-document.ts";
import { estateKinds, type EstateKind } from "../kinds/estate-kinds.ts";

/** What another system knows of one document: fields as text by their path, such as `rack` or `capacity.cpuMilli`. */
export type ImportRow = Readonly<{ kind: EstateKind; name: string; values: Readonly<Record<string, string>> }>;

/** The form of a path: `title`, `labels.KEY`, or a field of `spec` with its parts behind dots. */
export const importPathPattern =
  "^(?:labels\\.[A-Za-z0-9][A-Za-z0-9._/-]{0,316}|[A-Za-z][A-Za-z0-9-]{0,62}(?:\\.[A-Za-z][A-Za-z0-9-]{0,62}){0,5})$";

/** Takes a field out. */
const absent = "-";

/**
 * A document with the row's values over what is there before, not checked yet. A field that the row does not name, or names with an empty text, stays; `-` takes
 * it out. Texts become numbers, booleans and lists (parted by `|`) where the kind's schema wants them; what can't stays a text, for the check to refuse.
 */
export function mergeRow(before: EstateDocument | undefined, { kind, name, values }: ImportRow): unknown {
  const document = structuredClone(before ?? { kind, name, spec: {} }) as unknown as Record<string, unknown>;
  for (const [path, text] of Object.entries(values)) {
    if (text === "") continue;
    const steps = importPath(path);
    const schema = steps[0] === "spec" ? schemaAt(estateKinds[kind].spec, steps.slice(1)) : null;
    write(document, steps, text === absent ? undefined : valueOf(text, schema));
  }
  return document;
}

/** Where in a document a row's path points. */
export function importPath(path: string): readonly string[] {
  if (path === "title") return [path];
  if (path.startsWith("labels.")) return ["labels", path.slice("labels.".length)];
  return ["spec", ...path.split(".")];
}

type Schema = Readonly<{
  type?: string;
  properties?: Readonly<Record<string, Schema>>;
  patternProperties?: Readonly<Record<string, Schema>>;
}>;

function schemaAt(schema: unknown, steps: readonly string[]): Schema | null {
  let at = schema as Schema | undefined;
  for (const step of steps) {
    const own = at?.properties !== undefined && Object.hasOwn(at.properties, step) ? at.properties[step] : undefined;
    at = own ?? Object.values(at?.patternProperties ?? {})[0];
  }
  return at ?? null;
}

function valueOf(text: string, schema: Schema | null): unknown {
  switch (schema?.type) {
    case "integer":
    case "number":
      return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "array":
      return text.split("|");
    default:
      return text;
  }
}

function write(document: Record<string, unknown>, steps: readonly string[], value: unknown): void {
  let at = document;
  for (const step of steps.slice(0, -1)) {
    const next = Object.hasOwn(at, step) ? at[step] : undefined;
    if (typeof next === "object" && next !== null && !Array.isArray(next)) at = next as Record<string, unknown>;
    else if (value === undefined) return;
    else at = define(at, step, {}) as Record<string, unknown>;
  }
  const last = steps.at(-1) ?? "";
  if (value !== undefined) define(at, last, value);
  else if (Object.hasOwn(at, last)) Reflect.deleteProperty(at, last);
}

/** A member of its own, whatever its name: an assignment to `__proto__` would not be one. */
function define(at: Record<string, unknown>, name: string, value: unknown): unknown {
  Object.defineProperty(at, name, { value, enumerable: true, configurable: true, writable: true });
  return value;
}
