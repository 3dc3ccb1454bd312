import type { Command } from "../program/command.ts";
import { UsageError } from "../program/usage-error.ts";

/** `wcs server` never comes here by way of bin/wcs; only when cli/main.ts is run by itself. */
export const server: Command = {
  usage: "[--SETTING VALUE]…",
  options: {},
  examples: ["wcs server", "wcs server --listen 127.0.0.1:9090"],
  run: async () => {
    throw new UsageError("`server` comes first: wcs server …", "`server` 须为第一个词：wcs server …");
  },
};
