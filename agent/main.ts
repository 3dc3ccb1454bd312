// `wcs-agent serve --config FILE` and `wcs-agent status [--socket FILE] [-o json]`.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { AgentConfigError, parseAgentConfig } from "./agent-config.ts";
import { readStatus } from "./service/read-status.ts";
import { startAgent } from "./start-agent.ts";

const usage = `usage: wcs-agent serve [--config /etc/wcs/agent.json]
       wcs-agent status [--socket /run/wcs/agent.sock] [-o text|json]`;

async function serve(configFile: string): Promise<void> {
  const log = (line: string) => process.stderr.write(`${new Date().toISOString()} ${line}\n`);
  const agent = await startAgent({ config: parseAgentConfig(readFileSync(configFile, "utf8")), log });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      agent.close().then(
        () => process.exit(0),
        (error: unknown) => {
          log(`could not end in order: ${String(error)}`);
          process.exit(1);
        },
      );
    });
  }
}

async function main(): Promise<number | null> {
  const options = {
    config: { type: "string" },
    socket: { type: "string" },
    output: { type: "string", short: "o" },
  } as const;
  let parsed;
  try {
    parsed = parseArgs({ options, allowPositionals: true });
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
    return 2;
  }
  const { config = "/etc/wcs/agent.json", socket = "/run/wcs/agent.sock", output = "text" } = parsed.values;
  const [verb, ...rest] = parsed.positionals;
  if (rest.length > 0 || (output !== "text" && output !== "json")) return verbError();
  if (verb === "serve") {
    await serve(config);
    return null;
  }
  if (verb === "warm") return 0;
  if (verb === "status") {
    process.stdout.write(await readStatus(socket, output === "json"));
    return 0;
  }
  return verbError();

  function verbError(): number {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
}

try {
  const code = await main();
  if (code !== null) process.exitCode = code;
} catch (error) {
  const known = error instanceof AgentConfigError ? `configuration: ${error.message}` : String(error);
  process.stderr.write(`error: ${known}\n`);
  process.exit(1);
}
