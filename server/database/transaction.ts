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
  /**
   * Runs a statement whose result nobody needs, in its order and without waiting for it: what one sends goes to PostgreSQL together with what
   * comes after, up to the commit, so that locks are held for one round trip and not for one a statement. When it fails, the transaction
   * does, with the error that `explain` makes of it.
   */
  send: Send;
  context: ActContext;
  beforeCommit: (run: () => void | Promise<void>) => void;
  atLast: (run: () => void | Promise<void>) => void;
  afterCommit: (run: () => void) => void;
  /** What features keep for the length of the transaction, by a key of their own. */
  notes: Map<symbol, unknown>;
}>;

export type Send = (text: string, values?: readonly unknown[], explain?: (error: unknown) => unknown) => void;

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
// in_failed_sql_transaction: what comes behind the statement that failed.
const failedBefore = "25P02";

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
  const before: (() => void | Promise<void>)[] = [];
  const last: (() => void | Promise<void>)[] = [];
  const after: (() => void)[] = [];
  const sent: Promise<unknown>[] = [];
  const send: Send = (text, values, explain = (error) => error) => {
    const running = client.query(statement(text, values)).catch((error: unknown) => {
      throw explain(error);
    });
    // Looked at in `settle`; until then a failure is nobody's.
    running.catch(() => undefined);
    sent.push(running);
  };
  /** Waits for what was sent. Throws the first failure: those after it only say that there was one. */
  const settle = async (): Promise<void> => {
    const failed = (await Promise.allSettled(sent)).find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
  };
  const tx: Transaction = {
    query: async (text, values) => {
      try {
        return (await client.query(statement(text, values))).rows;
      } catch (error) {
        if (error instanceof DatabaseError && error.code === failedBefore) await settle();
        throw error;
      }
    },
    send,
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
    const begun = client.query("BEGIN");
    begun.catch(() => undefined);
    sent.push(begun);
    const value = await work(tx);
    for (const run of before) await run();
    for (const run of last) await run();
    if (options.dryRun === true) {
      send("SET CONSTRAINTS ALL IMMEDIATE");
      await settle();
      throw new Rollback(value);
    }
    // Sent behind the rest: where something failed PostgreSQL makes a rollback of it (PostgreSQL 18, COMMIT), and says so.
    const committed = client.query("COMMIT");
    committed.catch(() => undefined);
    await settle();
    const { command } = await committed;
    if (command !== "COMMIT") throw new Error(`the transaction was not committed: PostgreSQL answered ${command}`);
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
