import { fileCommands } from "./file-commands.ts";
import { javaCommands } from "./java-commands.ts";
import { networkCommands } from "./network-commands.ts";
import type { PackagedCommand } from "./packaged-command.ts";
import { processCommands } from "./process-commands.ts";

/** What operators do daily. Each starts a program that the image must have; where it has not, the run says so. */
export const shippedCommands: readonly PackagedCommand[] = [
  ...fileCommands,
  ...processCommands,
  ...networkCommands,
  ...javaCommands,
];
