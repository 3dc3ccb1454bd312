// `wcs-lab`: see `wcs-lab --help`.
import { runCommand } from "./cli/run-command.ts";

// whoever reads our output may stop (| head -1): that is no failure of ours
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});
process.exitCode = await runCommand(process.argv.slice(2));
