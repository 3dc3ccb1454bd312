import type { OperationAnswer } from "@wcs/api";
import type { sessionOperations } from "@wcs/api/session";
import { argvOf, shippedCommands, type PackagedCommand } from "@wcs/core/packaged-command";
import { Failure } from "../http/failure.ts";

type Command = OperationAnswer<(typeof sessionOperations)[1]>["command"];

/** A packaged command as it is run. */
export type PackagedRun = Readonly<{ command: PackagedCommand; argv: readonly string[] }>;

/** The words that a packaged command becomes. Throws `command.refused` with everything that is wrong. */
export function packagedRun(asked: Extract<Command, { kind: "run" }>): PackagedRun {
  const command = shippedCommands.find(({ name }) => name === asked.name);
  if (command === undefined) {
    const message = `there is no packaged command "${asked.name}"`;
    throw new Failure("command.refused", message, { errors: [{ pointer: "/command/name", message }] });
  }
  const made = argvOf(command, asked.parameters ?? {});
  if (made.ok) return { command, argv: made.argv };
  const errors = made.problems.map(({ path, problem, remedy }) => ({
    pointer: `/command/parameters/${path}`,
    message: `${path} ${problem}: ${remedy}`,
  }));
  throw new Failure("command.refused", errors[0]?.message ?? "its parameters are wrong", { errors });
}
