import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { OptionValues } from "./command.ts";
import { UsageError } from "./usage-error.ts";

/** Where the server is, and with what token. */
export type Connection = Readonly<{ server: string; token: string | undefined }>;

type Environment = Readonly<Record<string, string | undefined>>;

/** `$XDG_CONFIG_HOME/wcs/login.json`, or `~/.config/wcs/login.json`: what `wcs login` keeps, by server. */
export function loginFile(env: Environment): string {
  return join(env["XDG_CONFIG_HOME"] ?? join(env["HOME"] ?? homedir(), ".config"), "wcs", "login.json");
}

/** The logins that were kept: the server used last, and a token for each. */
export type Logins = Readonly<{ server: string; tokens: Readonly<Record<string, string>> }>;

export function readLogins(env: Environment): Logins | null {
  try {
    return JSON.parse(readFileSync(loginFile(env), "utf8")) as Logins;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new UsageError(
      `${loginFile(env)} can't be read: remove it and log in again`,
      `无法读取 ${loginFile(env)}：请删除后重新登录`,
    );
  }
}

/** Options win over the environment, and that over the last login. */
export function findConnection(options: OptionValues, env: Environment): Connection {
  const logins = readLogins(env);
  const server = text(options["server"]) ?? env["WCS_SERVER"] ?? logins?.server ?? "http://127.0.0.1:8080";
  if (!/^https?:\/\//.test(server) || !URL.canParse(server)) {
    throw new UsageError(`"${server}" is not the URL of a server`, `"${server}" 不是服务地址`);
  }
  const file = text(options["token-file"]) ?? env["WCS_TOKEN_FILE"];
  const token = file === undefined ? (env["WCS_TOKEN"] ?? logins?.tokens[new URL(server).origin]) : readToken(file);
  return { server, token };
}

function readToken(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the token file can't be read: ${why}`, `无法读取令牌文件：${why}`);
  }
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
