import { argvOf, placeholder } from "./argv-of.ts";
import type { CommandProblem, PackagedCommand } from "./packaged-command.ts";
import { rowsOf } from "./rows-of.ts";

const shells = /^(?:.*\/)?(?:ba|da|a|z|k)?sh$/;

/** Everything that is wrong with a command whose shape is right: parameters against words, defaults, and its own examples. */
export function checkCommand(command: PackagedCommand): readonly CommandProblem[] {
  const problems: CommandProblem[] = [];
  const used = new Set(command.argv.flatMap((word) => [...word.matchAll(placeholder)].map(([, name]) => name ?? "")));
  const [program = ""] = command.argv;
  if (program.includes("{")) {
    problems.push({ path: "argv[0]", problem: "is a parameter", remedy: "name the program itself" });
  }
  if (shells.test(program)) {
    problems.push({ path: "argv[0]", problem: "is a shell", remedy: "run the program itself: there is no shell here" });
  }
  for (const name of used) {
    if (!Object.hasOwn(command.parameters, name)) {
      problems.push({ path: "argv", problem: `{${name}} is no parameter`, remedy: "add it to the parameters" });
    }
  }
  for (const [name, parameter] of Object.entries(command.parameters)) {
    const path = `parameters.${name}`;
    if (!used.has(name)) {
      problems.push({ path, problem: "is not used", remedy: `write {${name}} into argv, or leave it out` });
    }
    if (parameter.default === undefined) continue;
    const alone = { ...command, parameters: { [name]: parameter }, argv: ["x"] };
    const found = argvOf(alone, {});
    if (!found.ok) problems.push(...found.problems.map((problem) => ({ ...problem, path: `${path}.default` })));
  }
  if (problems.length > 0) return problems;
  for (const [at, example] of command.examples.entries()) {
    const path = `examples[${at}]`;
    const made = argvOf(command, example.parameters);
    if (!made.ok) {
      problems.push(...made.problems.map((problem) => ({ ...problem, path: `${path}.parameters.${problem.path}` })));
    } else if (JSON.stringify(made.argv) !== JSON.stringify(example.argv)) {
      problems.push({
        path: `${path}.argv`,
        problem: `it makes ${JSON.stringify(made.argv)}`,
        remedy: "mend the example or the command",
      });
    }
    const rows = rowsOf(command, example.output);
    if (JSON.stringify(rows) !== JSON.stringify(example.rows)) {
      problems.push({
        path: `${path}.rows`,
        problem: `it makes ${JSON.stringify(rows)}`,
        remedy: "mend the example or the command",
      });
    }
  }
  return problems;
}
