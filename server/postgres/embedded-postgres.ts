import { randomBytes } from "node:crypto";
import { execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, DatabaseError } from "pg";
import { ConfigFailure } from "../config/config-failure.ts";
import { serverRole } from "../database/migrate.ts";
import { whileUnavailable } from "../database/while-unavailable.ts";
import type { SocketAccess } from "../database/database.ts";
import { readOrCreateKeyFile } from "../state/key-file.ts";
import type { StateDirectory } from "../state/state-directory.ts";
import { postgresUser, runAs, type OperatingSystemUser } from "./operating-system-user.ts";
import { postgresBinaries } from "./postgres-binaries.ts";

/** The embedded PostgreSQL, and how to reach its database as the schema's owner and as the server. */
export type EmbeddedPostgres = Readonly<{
  owner: SocketAccess;
  server: SocketAccess;
  /** For tests, which make databases. */
  superuser: SocketAccess;
  processId: number;
  /** Stops it, unless another WCS server still uses it. */
  stop: () => Promise<void>;
}>;

type Passwords = Readonly<{ superuser: string; owner: string; server: string }>;

const superuserName = "wcs_postgres";
const ownerRole = "wcs_owner";
const databaseName = "wcs";
const mostLaunches = 20;
const superviseMs = 500;
const startDeadlineMs = 60_000;
// sun_path has 108 bytes (Linux, unix(7)), and PostgreSQL appends "/.s.PGSQL.5432".
const longestSocketFolder = 90;

/**
 * Starts PostgreSQL in the state directory, or uses the one that runs there: a server that was killed leaves it behind, and a second
 * server on the same machine shares it. It listens on a unix socket only, and every role needs its password.
 * `volatile` gives up durability, for tests.
 */
export async function startEmbeddedPostgres(state: StateDirectory, volatile = false): Promise<EmbeddedPostgres> {
  const user = postgresUser();
  const binaries = postgresBinaries(state.path, user);
  const passwords = JSON.parse(
    readOrCreateKeyFile(join(state.keys, "database.json"), () => JSON.stringify(newPasswords())),
  ) as Passwords;
  const home = join(state.path, "postgres");
  if (Buffer.byteLength(home) > longestSocketFolder) {
    throw new ConfigFailure(
      `the state directory's path is too long for a unix socket: ${state.path}; choose a shorter WCS_STATE_DIR`,
    );
  }
  initialise({ home, binaries, user, password: passwords.superuser });
  const as = (user: string, password: string, database: string): SocketAccess => ({
    host: home,
    user,
    password,
    database,
  });
  const superuser = as(superuserName, passwords.superuser, "postgres");

  const deadline = Date.now() + startDeadlineMs;
  let launches = 0;
  let launched: Launched = { isRunning: () => false };
  while (!(await answers(superuser))) {
    if (Date.now() > deadline) {
      throw new Error(`PostgreSQL did not start within ${startDeadlineMs} ms; see ${home}/log`);
    }
    if (runningProcess(home) === null && !launched.isRunning() && !isEnding(home)) {
      // Losing the race to another server that starts it is no failure, and does not repeat itself.
      if (launches >= mostLaunches) {
        throw new Error(`PostgreSQL ended ${launches} times at its start: ${lastLines(home)}`);
      }
      launched = launch({ home, binaries, user, volatile });
      launches += 1;
    }
    await sleep(Math.min(500, 50 * (launches + 1)));
  }
  await whileUnavailable({ waitMs: startDeadlineMs }, () => makeDatabase(superuser, passwords));
  // Whoever kills the database gets it back: it recovers by its write-ahead log, and the server's connections come again.
  const supervising = setInterval(() => {
    if (runningProcess(home) !== null || launched.isRunning() || isEnding(home)) return;
    launched = launch({ home, binaries, user, volatile });
  }, superviseMs);
  supervising.unref();
  return {
    superuser,
    owner: as(ownerRole, passwords.owner, databaseName),
    server: as(serverRole, passwords.server, databaseName),
    processId: runningProcess(home) ?? 0,
    stop: async () => {
      clearInterval(supervising);
      await stop(home, superuser);
    },
  };
}

function newPasswords(): Passwords {
  const password = (): string => randomBytes(24).toString("base64url");
  return { superuser: password(), owner: password(), server: password() };
}

type Place = Readonly<{ home: string; binaries: string; user: OperatingSystemUser }>;

/** `home` holds `data`, `log` and the socket. It is made under another name and renamed, so that it is there whole or not at all. */
function initialise({ home, binaries, user, password }: Place & Readonly<{ password: string }>): void {
  if (existsSync(home)) return;
  const own = `${home}.${process.pid}`;
  mkdirSync(own, { mode: 0o700 });
  const passwordFile = join(own, "password");
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user !== null) {
    chownSync(own, user.uid, user.gid);
    chownSync(passwordFile, user.uid, user.gid);
  }
  try {
    execFileSync(
      join(binaries, "bin/initdb"),
      [
        "--pgdata",
        join(own, "data"),
        "--username",
        superuserName,
        "--pwfile",
        passwordFile,
        "--auth-local=scram-sha-256",
        "--auth-host=reject",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--data-checksums",
      ],
      { ...runAs(user), cwd: own, env: environment(), stdio: "pipe" },
    );
    rmSync(passwordFile);
    chmodSync(own, 0o700);
    renameSync(own, home);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    if (!existsSync(home)) throw error;
  }
}

const lastLines = (home: string): string =>
  readFileSync(join(home, "log"), "utf8").trimEnd().split("\n").slice(-3).join("; ");

type Launched = Readonly<{ isRunning: () => boolean }>;

function launch({ home, binaries, user, volatile }: Place & Readonly<{ volatile: boolean }>): Launched {
  const log = openSync(join(home, "log"), "a", 0o600);
  const settings = {
    listen_addresses: "",
    unix_socket_directories: home,
    unix_socket_permissions: "0700",
    max_connections: "200",
    shared_buffers: volatile ? "64MB" : "128MB",
    file_copy_method: "clone",
    ...(volatile ? { fsync: "off", full_page_writes: "off", synchronous_commit: "off", autovacuum: "off" } : {}),
  };
  const child = spawn(
    join(binaries, "bin/postgres"),
    ["-D", join(home, "data"), ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    // A group of its own: an interrupt at the terminal is for the server, which stops the database when it is done with it.
    { ...runAs(user), cwd: home, env: environment(), detached: true, stdio: ["ignore", log, log] },
  );
  let running = true;
  child.on("exit", () => (running = false));
  child.on("error", (error) => {
    running = false;
    appendFileSync(join(home, "log"), `${error.message}\n`);
  });
  child.unref();
  closeSync(log);
  return { isRunning: () => running };
}

const environment = (): NodeJS.ProcessEnv => ({ PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" });

/**
 * Whether the process that postmaster.pid names was killed and is not quite gone: it has no folder any more, or waits to be reaped. PostgreSQL refuses to
 * start beside it.
 */
function isEnding(home: string): boolean {
  try {
    const id = Number(readFileSync(join(home, "data/postmaster.pid"), "utf8").split("\n")[0]);
    // proc_pid_stat(5): the state is the field behind the command's closing bracket; X and Z are dead.
    const stat = readFileSync(`/proc/${id}/stat`, "utf8");
    if (/[XZ]/.test(stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3))) return true;
    return !hasFolder(id);
  } catch {
    return false;
  }
}

function hasFolder(id: number): boolean {
  try {
    readlinkSync(`/proc/${id}/cwd`);
    return true;
  } catch {
    return false;
  }
}

/** The postmaster's process id; null when postmaster.pid is missing or names a process that is not PostgreSQL on this data. */
function runningProcess(home: string): number | null {
  const file = join(home, "data/postmaster.pid");
  try {
    // PostgreSQL may remove the file at any moment.
    const id = Number(readFileSync(file, "utf8").split("\n")[0]);
    // It starts in `home` and goes to `data` by itself.
    return [home, join(home, "data")].includes(readlinkSync(`/proc/${id}/cwd`)) ? id : null;
  } catch {
    return null;
  }
}

/** A connection whose loss between two statements ends nothing: the next statement fails. */
function clientOf(access: SocketAccess): Client {
  const client = new Client(access);
  client.on("error", () => undefined);
  return client;
}

async function answers(access: SocketAccess): Promise<boolean> {
  const client = clientOf(access);
  try {
    await client.connect();
    await client.query("SELECT 1");
    return true;
  } catch (error) {
    // 28P01: it answers, and the password is wrong: waiting will not help.
    if (error instanceof DatabaseError && error.code === "28P01") {
      throw new ConfigFailure("the embedded PostgreSQL refuses the password in keys/database.json: restore that file", {
        cause: error,
      });
    }
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function makeDatabase(superuser: SocketAccess, passwords: Passwords): Promise<void> {
  const client = clientOf(superuser);
  try {
    await client.connect();
    await client.query("SELECT pg_advisory_lock(0)");
    for (const [role, password] of [
      [ownerRole, passwords.owner],
      [serverRole, passwords.server],
    ] as const) {
      const { rowCount } = await client.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [role]);
      if (rowCount === 0) await client.query(`CREATE ROLE ${role} LOGIN PASSWORD ${client.escapeLiteral(password)}`);
    }
    const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [databaseName]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${databaseName} OWNER ${ownerRole}`);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function stop(home: string, superuser: SocketAccess): Promise<void> {
  // One that was killed a moment ago may still recover, for another server that started it.
  const isUsed = await whileUnavailable({ waitMs: startDeadlineMs }, async () =>
    runningProcess(home) === null ? false : await hasOtherClients(superuser),
  );
  const id = runningProcess(home);
  if (isUsed || id === null) return;
  // SIGINT is PostgreSQL's fast shutdown (PostgreSQL 18, 18.5).
  process.kill(id, "SIGINT");
  const deadline = Date.now() + startDeadlineMs;
  while (runningProcess(home) === id) {
    if (Date.now() > deadline) throw new Error(`PostgreSQL did not stop within ${startDeadlineMs} ms; see ${home}/log`);
    await sleep(10);
  }
}

async function hasOtherClients(superuser: SocketAccess): Promise<boolean> {
  const client = clientOf(superuser);
  try {
    await client.connect();
    const { rowCount } = await client.query(
      "SELECT 1 FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    );
    return rowCount !== 0;
  } finally {
    await client.end().catch(() => undefined);
  }
}
