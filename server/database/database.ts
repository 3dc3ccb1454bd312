import { createHash } from "node:crypto";
import type { QueryConfig } from "pg";
import { Pool, TypeOverrides } from "pg";

/** A row as PostgreSQL gives it; int8 comes as number, timestamps as Date, jsonb parsed. */
export type Row = Readonly<Record<string, unknown>>;

/** Runs one statement and returns its rows. Values go as parameters, never into the text. */
export type Query = <R extends Row = Row>(text: string, values?: readonly unknown[]) => Promise<R[]>;

/** What connects to one database; see `createDatabase`. */
export type Database = Readonly<{
  query: Query;
  pool: Pool;
  /**
   * The same database with connections of its own, at most so many: for what is read while a transaction waits for it, which in one pool would
   * wait for itself. The caller closes it.
   */
  apart: (maxConnections: number) => Database;
  close: () => Promise<void>;
}>;

/** How to reach a database by the folder of its unix socket. */
export type SocketAccess = Readonly<{ host: string; user: string; password: string; database: string }>;

/** How to reach the database. */
export type DatabaseAccess = Readonly<{ url: string }> | SocketAccess;

export type DatabaseOptions = Readonly<{
  access: DatabaseAccess;
  maxConnections: number;
  statementTimeoutMs: number;
  applicationName: string;
  /** The role that every session takes after login. */
  role?: string;
  onError: (error: Error) => void;
}>;

const int8Oid = 20;
const types = new TypeOverrides();
types.setTypeParser(int8Oid, (value) => {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`int8 ${value} is past 2^53`);
  return number;
});

/** Connects lazily. Sessions find tables in the schema `wcs`, give up a statement after its time, and never sit in a transaction. */
export function createDatabase(options: DatabaseOptions): Database {
  const settings = [
    "search_path=wcs",
    `statement_timeout=${options.statementTimeoutMs}`,
    `idle_in_transaction_session_timeout=${options.statementTimeoutMs}`,
    `lock_timeout=${Math.min(options.statementTimeoutMs, 10_000)}`,
    ...(options.role === undefined ? [] : [`role=${options.role}`]),
  ];
  const access = "url" in options.access ? { connectionString: options.access.url } : options.access;
  const pool = new Pool({
    ...access,
    max: options.maxConnections,
    application_name: options.applicationName,
    options: settings.map((setting) => `-c ${setting}`).join(" "),
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    // A statement goes out without waiting for the answer to the one before: `Transaction.send` lives by it.
    pipeline: true,
    types,
  });
  pool.on("error", options.onError);
  keepErrorsHeard(pool);
  return {
    pool,
    apart: (maxConnections) => createDatabase({ ...options, maxConnections }),
    query: async (text, values) => (await pool.query(statement(text, values))).rows,
    close: () => pool.end(),
  };
}

/**
 * A connection that breaks may say so twice: its write fails, and then PostgreSQL's last word is read from it. Whoever used it has let go of it by then,
 * and an error that nobody hears ends the process. Statements that fail say what happened.
 */
export function keepErrorsHeard(pool: Pool): void {
  pool.on("connect", (client) => {
    client.on("error", () => undefined);
  });
}

const names = new Map<string, string>();
const mostNames = 1000;

/** A statement under a name made of its text, so that PostgreSQL parses it once a session. Past a bound, texts go unnamed. */
export function statement(text: string, values: readonly unknown[] | undefined): QueryConfig {
  let name = names.get(text);
  if (name === undefined && names.size < mostNames) {
    name = createHash("sha256").update(text).digest("base64url");
    names.set(text, name);
  }
  return { ...(name === undefined ? {} : { name }), text, values: values === undefined ? [] : [...values] };
}
