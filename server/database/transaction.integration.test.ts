import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { systemContext } from "../testing/system-context.ts";
import { startTestPostgres, type TestDatabase, type TestPostgres } from "../testing/test-postgres.ts";
import { transaction, type Transaction } from "./transaction.ts";

describe("a transaction", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  before(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    await database.owner.query(
      "CREATE TABLE numbers (number int PRIMARY KEY DEFERRABLE, positive int CHECK (positive > 0))",
    );
    await database.owner.query("GRANT ALL ON numbers TO wcs_server");
  });
  after(() => postgres.stop());

  const run = <T>(work: (tx: Transaction) => Promise<T>, dryRun = false): Promise<T> =>
    transaction(database.server, { context: systemContext, dryRun }, work);
  const numbers = async (): Promise<readonly unknown[]> =>
    (await database.owner.query<{ number: number }>("SELECT number FROM numbers ORDER BY number")).rows.map(
      ({ number }) => number,
    );
  const insert = "INSERT INTO numbers VALUES ($1, $2)";

  it("runs what was sent and what was asked in their order", async () => {
    const seen = await run(async (tx) => {
      tx.send(insert, [1, 1]);
      tx.send("UPDATE numbers SET number = number + 1");
      const rows = await tx.query("SELECT number FROM numbers");
      tx.beforeCommit(() => tx.send(insert, [5, 1]));
      return rows;
    });
    assert.deepEqual(seen, [{ number: 2 }]);
    assert.deepEqual(await numbers(), [2, 5]);
  });

  it("fails with what was sent, undoes everything, and says what its sender makes of the error", async () => {
    const after: string[] = [];
    const failing = run(async (tx) => {
      tx.afterCommit(() => after.push("committed"));
      tx.send(insert, [7, 1]);
      tx.send(insert, [8, -1], () => new Error("not positive"));
      tx.send(insert, [9, 1]);
    });
    await assert.rejects(failing, { message: "not positive" });
    // The error that a later statement meets is not the one that counts.
    const asking = run(async (tx) => {
      tx.send(insert, [8, -1], () => new Error("not positive"));
      await tx.query("SELECT 1");
    });
    await assert.rejects(asking, { message: "not positive" });
    assert.deepEqual([await numbers(), after], [[2, 5], []]);
  });

  it("never takes for done what PostgreSQL has undone", async () => {
    const swallowing = run(async (tx) => {
      await tx.query(insert, [8, -1]).catch(() => undefined);
    });
    await assert.rejects(swallowing, /not committed: PostgreSQL answered ROLLBACK/);
    // A constraint that is looked at by the commit itself.
    const late = run(async (tx) => {
      tx.send("SET CONSTRAINTS ALL DEFERRED");
      tx.send(insert, [2, 1]);
    });
    await assert.rejects(late, /duplicate key/);
    assert.deepEqual(await numbers(), [2, 5]);
  });

  it("checks everything of a dry run and leaves nothing", async () => {
    assert.equal(await run(async (tx) => (tx.send(insert, [11, 1]), "value"), true), "value");
    const failing = run(async (tx) => tx.send(insert, [12, -1]), true);
    await assert.rejects(failing, /positive/);
    assert.deepEqual(await numbers(), [2, 5]);
  });

  it("leaves its connection good for the next, whatever failed", async () => {
    for (let round = 0; round < 40; round += 1) {
      await assert.rejects(
        run(async (tx) => {
          tx.send(insert, [20 + round, -1]);
          tx.send(`SELECT ${round}`);
        }),
      );
    }
    assert.equal(await run(async (tx) => (await tx.query("SELECT 3 AS three")).length), 1);
    assert.deepEqual(await numbers(), [2, 5]);
  });
});
