import { DatabaseError } from "pg";
import { setTimeout as sleep } from "node:timers/promises";
import { statement, type Database, type Query } from "./database.ts";

/** Who acts, from where and why: what the audit tells of everything that a transaction does. */
export type ActContext = Readonly<{
  actor: Readonly<{ kind: "Person" | "ServiceAccount" | "System"; name: string; tokenId: string | null }>;
  from: string;
  requestId: string;
  /** The operation's id, such as `hosts.create`, or the reconciler's name. */
  act: string;
  reason: string | null;
  ticket: string | null;
}>;

/**
 * An open transaction. `beforeCommit` runs after the work, in order; `atLast` after all of those (for what locks a thing that
 * everybody needs); `afterCommit` once all is durable.
 */
export type Transaction = Readonly<{
  query: Query;
  context: ActContext;
  beforeCommit: (run: () => Promise<void>) => void;
  atLast: (run: () => Promise<void>) => void;
  afterCommit: (run: () => void) => void;
  /** What features keep for the length of the transaction, by a key of their own. */
  notes: Map<symbol, unknown>;
}>;

/** Thrown inside `transaction` to undo everything and still return a value. */
class Rollback<T> extends Error {
  readonly value: T;

  constructor(value: T) {
    super("rolled back on purpose");
    this.value = value;
  }
}

const mostAttempts = 5;
// serialization_failure and deadlock_detected: PostgreSQL asks to run the whole transaction again (PostgreSQL 18, 13.5).
const retryable: ReadonlySet<string | undefined> = new Set(["40001", "40P01"]);

/**
 * Runs `work` in one transaction (READ COMMITTED), again from the start when PostgreSQL breaks a deadlock. With `dryRun`
 * everything is checked, deferred constraints too, and undone. `work` must do nothing outside the database.
 */
export async function transaction<T>(
  database: Database,
  options: Readonly<{ context: ActContext; dryRun?: boolean }>,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptTransaction(database, options, work);
    } catch (error) {
      if (attempt >= mostAttempts || !(error instanceof DatabaseError) || !retryable.has(error.code)) throw error;
      await sleep(5 * attempt + Math.random() * 10);
    }
  }
}

async function attemptTransaction<T>(
  database: Database,
  options: Readonly<{ context: ActContext; dryRun?: boolean }>,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const client = await database.pool.connect();
  const before: (() => Promise<void>)[] = [];
  const last: (() => Promise<void>)[] = [];
  const after: (() => void)[] = [];
  const tx: Transaction = {
    query: async (text, values) => (await client.query(statement(text, values))).rows,
    context: options.context,
    beforeCommit: (run) => before.push(run),
    atLast: (run) => last.push(run),
    afterCommit: (run) => after.push(run),
    notes: new Map(),
  };
  let broken: Error | undefined;
  // A connection that breaks between two statements says so by an event, which ends the process if nobody listens. The next statement fails.
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on("error", onError);
  try {
    await client.query("BEGIN");
    const value = await work(tx);
    for (const run of before) await run();
    for (const run of last) await run();
    if (options.dryRun === true) {
      await client.query("SET CONSTRAINTS ALL IMMEDIATE");
      throw new Rollback(value);
    }
    await client.query("COMMIT");
    for (const run of after) run();
    return value;
  } catch (error) {
    await client.query("ROLLBACK").catch((rollbackError: unknown) => {
      // The connection is gone; the database has rolled back by itself. The pool must not hand it out again.
      broken = rollbackError instanceof Error ? rollbackError : new Error(String(rollbackError));
    });
    if (error instanceof Rollback) return error.value as T;
    throw error;
  } finally {
    client.off("error", onError);
    client.release(broken);
  }
}
