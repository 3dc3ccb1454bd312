/** What is wrong with one member of a form: where (`nics[0].mac`), what, and what to do. */
export type FormProblem = Readonly<{ path: string; problem: string; remedy: string }>;

/** A form that was read: its value, or everything that is wrong with it. */
export type ParsedForm<T> =
  | Readonly<{ ok: true; value: T }>
  | Readonly<{ ok: false; problems: readonly FormProblem[] }>;

/** Reads members of untrusted JSON and keeps what is wrong. Readers return null after they reported. */
export type FormReader = Readonly<{
  report: (path: string, problem: string, remedy: string) => void;
  /** An object that has exactly these members. */
  object: (value: unknown, path: string, members: readonly string[]) => Readonly<Record<string, unknown>> | null;
  list: <T>(
    value: unknown,
    path: string,
    options: Readonly<{ min: number; max: number; read: (item: unknown, path: string) => T | null }>,
  ) => readonly T[];
  /** A text that `accepts` takes; `form` says what it should be (`an IPv4 address such as 10.71.1.100`), `mistake` what it is instead, where that is known. */
  text: (
    value: unknown,
    path: string,
    options: Readonly<{ form: string; accepts: (text: string) => boolean; mistake?: (text: string) => string | null }>,
  ) => string | null;
  flag: (value: unknown, path: string) => boolean | null;
  integer: (value: unknown, path: string, options: Readonly<{ min: number; max: number }>) => number | null;
}>;

/** Longest form that is read, in UTF-16 code units: a quarter of what Kubernetes takes for all annotations of an object. */
export const longestForm = 65_536;

/** Parses `text` as JSON and reads it. `read` returns null once it has reported. */
export function parseForm<T>(text: string, read: (reader: FormReader, value: unknown) => T | null): ParsedForm<T> {
  if (text.length > longestForm) {
    return failed(`${text.length} characters are too many`, `keep it to ${longestForm}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return failed(`not JSON: ${error instanceof Error ? error.message : String(error)}`, "write one JSON object");
  }
  const problems: FormProblem[] = [];
  const value = read(createReader(problems), json);
  if (problems.length > 0) return { ok: false, problems };
  if (value === null) throw new Error("a form's reader gave up without saying why");
  return { ok: true, value };
}

/** One line for a log or a CNI error message. */
export function formProblemsText(problems: readonly FormProblem[]): string {
  return problems.map(({ path, problem, remedy }) => `${path}: ${problem}; ${remedy}`).join(" | ");
}

function failed(problem: string, remedy: string): Readonly<{ ok: false; problems: readonly FormProblem[] }> {
  return { ok: false, problems: [{ path: "$", problem, remedy }] };
}

function createReader(problems: FormProblem[]): FormReader {
  const report = (path: string, problem: string, remedy: string): null => {
    problems.push({ path, problem, remedy });
    return null;
  };
  return {
    report,
    object: (value, path, members) => {
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        return report(path, `${kindOf(value)} where an object belongs`, `write {${members.join(", ")}}`);
      }
      const missing = members.filter((member) => !Object.hasOwn(value, member));
      const unknown = Object.keys(value).filter((member) => !members.includes(member));
      for (const member of missing) report(`${path}.${member}`, "missing", "add it");
      for (const member of unknown) report(`${path}.${shown(member)}`, "not a member", `known: ${members.join(", ")}`);
      return missing.length > 0 ? null : (value as Readonly<Record<string, unknown>>);
    },
    list: (value, path, { min, max, read }) => {
      if (!Array.isArray(value)) {
        report(path, `${kindOf(value)} where a list belongs`, "write [ ]");
        return [];
      }
      if (value.length < min || value.length > max) {
        report(path, `${value.length} items`, `have ${min} to ${max}`);
        return [];
      }
      return value.flatMap((item: unknown, index) => {
        const result = read(item, `${path}[${index}]`);
        return result === null ? [] : [result];
      });
    },
    text: (value, path, { form, accepts, mistake }) => {
      if (typeof value !== "string") return report(path, `${kindOf(value)} where a text belongs`, `write ${form}`);
      if (accepts(value)) return value;
      return report(path, `"${shown(value)}" is ${mistake?.(value) ?? `not ${form}`}`, `write ${form}`);
    },
    flag: (value, path) =>
      typeof value === "boolean"
        ? value
        : report(path, `${kindOf(value)} where true or false belongs`, "write true or false"),
    integer: (value, path, { min, max }) => {
      const fits = typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max;
      const found = typeof value === "number" ? String(value) : kindOf(value);
      return fits ? value : report(path, `${found} is not a whole number from ${min} to ${max}`, "write one");
    },
  };
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
