export { argvOf, type Argv } from "./argv-of.ts";
export { checkCommand } from "./check-command.ts";
export {
  packagedCommandSchema,
  type CommandProblem,
  type PackagedCommand,
  type ParameterValues,
} from "./packaged-command.ts";
export { rowsOf, type ResultRow } from "./rows-of.ts";
export { shippedCommands } from "./shipped-commands.ts";
