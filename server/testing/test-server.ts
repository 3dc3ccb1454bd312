import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { createClient, type Client } from "@wcs/api";
import { readConfig } from "../config/settings.ts";
import { checkAnswer } from "../http/check-answer.ts";
import type { RecoveryTesting } from "../recovery/create-recoveries.ts";
import { startServer, type RunningServer } from "../program/start-server.ts";
import type { TestDatabase } from "./test-postgres.ts";

/** A whole server on a test's database, on a free port of loopback; every answer is held against the contract. */
export type TestServer = Readonly<{
  url: string;
  running: RunningServer;
  /** The first administrator's token. */
  token: string;
  admin: Client;
  clientOf: (token: string) => Client;
  stop: () => Promise<void>;
}>;

/** Starts it; `env` sets what the configuration should say otherwise. `token` is for a second server on one database. */
export async function startTestServer(
  database: TestDatabase,
  options: Readonly<{
    env?: Readonly<Record<string, string>>;
    token?: string;
    stateDirectory?: string;
    recovery?: RecoveryTesting;
  }> = {},
): Promise<TestServer> {
  const stateDirectory = options.stateDirectory ?? mkdtempSync(join(tmpdir(), "wcs-state-"));
  let token = options.token ?? "";
  const config = readConfig([], {
    WCS_LISTEN: "127.0.0.1:0",
    WCS_STATE_DIR: stateDirectory,
    WCS_REQUESTS_PER_MINUTE: "1000000",
    WCS_LOG_LEVEL: "warn",
    ...options.env,
  });
  const logTo = new PassThrough();
  logTo.on("data", (line: Buffer) => process.stderr.write(line));
  const running = await startServer({
    config,
    access: database.access,
    checkAnswer,
    ...(options.recovery === undefined ? {} : { recovery: options.recovery }),
    logTo,
    onFirstToken: (first) => {
      token = first;
    },
  });
  const clientOf = (token: string): Client => createClient({ baseUrl: running.url, token });
  return {
    url: running.url,
    running,
    token,
    admin: clientOf(token),
    clientOf,
    stop: async () => {
      await running.stop();
      if (options.stateDirectory === undefined) rmSync(stateDirectory, { recursive: true, force: true });
    },
  };
}
