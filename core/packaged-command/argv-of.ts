import type { CommandProblem, PackagedCommand, Parameter, ParameterValues } from "./packaged-command.ts";

export type Argv =
  | Readonly<{ ok: true; argv: readonly string[] }>
  | Readonly<{ ok: false; problems: readonly CommandProblem[] }>;

/** The words to run, or everything that is wrong with the parameters. Values may come as text, as from a command line. */
export function argvOf(command: PackagedCommand, given: ParameterValues): Argv {
  const problems: CommandProblem[] = [];
  const values = new Map<string, string>();
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(command.parameters, name)) continue;
    const known = Object.keys(command.parameters).join(", ");
    const remedy = known === "" ? "give none" : `use ${known}`;
    problems.push({ path: name, problem: `${command.name} has no such parameter`, remedy });
  }
  for (const [name, parameter] of Object.entries(command.parameters)) {
    const value = Object.hasOwn(given, name) ? given[name] : parameter.default;
    if (value === undefined) {
      problems.push({ path: name, problem: "is missing", remedy: `give it: ${parameter.description.en}` });
      continue;
    }
    const text = String(value);
    const wrong = whatIsWrong(parameter, text);
    if (wrong === null) values.set(name, text);
    else problems.push({ path: name, ...wrong });
  }
  if (problems.length > 0) return { ok: false, problems };
  const argv = command.argv.map((word) => word.replace(placeholder, (_, name: string) => values.get(name) ?? ""));
  return { ok: true, argv };
}

export const placeholder = /\{([a-z][A-Za-z0-9]*)\}/g;

function whatIsWrong(parameter: Parameter, text: string): Omit<CommandProblem, "path"> | null {
  if (parameter.type === "integer") {
    const { minimum, maximum } = parameter;
    const number = Number(text);
    const isInside = /^-?\d{1,15}$/.test(text) && number >= minimum && number <= maximum;
    return isInside ? null : { problem: `"${text}" can't be used`, remedy: `a whole number, ${minimum} to ${maximum}` };
  }
  if (parameter.type === "choice") {
    return parameter.values.includes(text)
      ? null
      : { problem: `"${text}" can't be used`, remedy: `one of ${parameter.values.join(", ")}` };
  }
  if (text === "") return { problem: "is empty", remedy: "give a value" };
  if (text.length > parameter.maxLength) {
    return { problem: `has ${text.length} characters`, remedy: `at most ${parameter.maxLength}` };
  }
  if (/\p{Cc}/u.test(text)) return { problem: "has control characters", remedy: "leave them out" };
  // No program takes it for an option then, whether or not it knows `--`.
  if (text.startsWith("-")) return { problem: "begins with -", remedy: "begin with another character" };
  if (parameter.type === "path") return wrongPath(text, parameter.folders);
  if (
    parameter.type === "host" &&
    !/^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45})$/.test(text)
  ) {
    return { problem: `"${text}" is no host`, remedy: "a DNS name or an IP" };
  }
  if (parameter.type === "url" && !/^https?:\/\/[^\s"'<>\\^`{|}]+$/.test(text)) {
    return { problem: `"${text}" is no URL`, remedy: "begin with http:// or https://" };
  }
  return null;
}

function wrongPath(path: string, folders: readonly string[] | undefined): Omit<CommandProblem, "path"> | null {
  if (!path.startsWith("/") || path.split("/").some((part) => part === ".." || part === ".")) {
    return { problem: `"${path}" is no plain path`, remedy: "begin with / and use no . and .." };
  }
  const isInside = (folder: string): boolean =>
    path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
  if (folders === undefined || folders.some(isInside)) return null;
  return { problem: `"${path}" is outside`, remedy: `a path in ${folders.join(", ")}` };
}
