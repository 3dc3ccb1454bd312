// `wcs server`: reads the configuration, starts, and stops gracefully on SIGTERM or SIGINT.
import { ConfigFailure } from "../config/config-failure.ts";
import { readConfig, settings } from "../config/settings.ts";
import { rotateKeyCommand } from "./rotate-key-command.ts";
import { startServer } from "./start-server.ts";

const args = process.argv.slice(2);
if (args[0] === "rotate-key") {
  process.exitCode = rotateKeyCommand(args.slice(1), process.env);
} else if (args.includes("--help")) {
  console.log(
    "usage: wcs server [--SETTING VALUE]…\n       wcs server rotate-key [--prepare | --activate] [--state-dir FOLDER]\n",
  );
  for (const { flag, env, fallback, help } of Object.values(settings)) {
    console.log(`  --${flag}  (${env}${fallback === null ? "" : `, default ${fallback}`})\n      ${help}`);
  }
} else {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof ConfigFailure)) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = 2;
  }
}

async function run(): Promise<void> {
  const config = readConfig(args, process.env);
  const server = await startServer({
    config,
    onWait: ({ message }) => {
      console.error(`waiting up to ${config.databaseWaitMs / 1000} s for the database: ${message}`);
    },
    onFirstToken: (token) => {
      console.error(`The first administrator's token, shown this once; it is good for 30 days:\n  ${token}`);
    },
  });
  console.error(`WCS listens on ${server.url}`);
  const stop = (signal: NodeJS.Signals): void => {
    console.error(`${signal}: stopping`);
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}
