import manifest from "../package.json" with { type: "json" };
import type { Command } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";

export const version: Command = {
  usage: "",
  options: {},
  examples: [],
  run: async ({ output }) => {
    output.line(manifest.version);
    return exitCodes.ok;
  },
};
