import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { loginFile, readLogins } from "../program/connection.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Keeps a server's token in the login file, 0600; null forgets it. The server becomes the default one. */
export function keepLogin(env: Environment, server: string, token: string | null): void {
  const { origin } = new URL(server);
  const tokens = { ...readLogins(env)?.tokens };
  if (token === null) delete tokens[origin];
  else tokens[origin] = token;
  const file = loginFile(env);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, `${JSON.stringify({ server, tokens })}\n`, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
}
