import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { nowhere } from "../access/nowhere.ts";
import { transaction } from "../database/transaction.ts";
import { systemContext } from "../testing/system-context.ts";
import { startTestPostgres, type TestDatabase, type TestPostgres } from "../testing/test-postgres.ts";
import { createLogReader } from "./log-reader.ts";
import { recordEvent } from "./record-event.ts";
import { isCursorGood, logEnd, pruneLog, readLog, renewLogAfterRestore } from "./watch-log.ts";

async function change(database: TestDatabase, name: string, holdMs: number, undo = false): Promise<void> {
  await transaction(database.server, { context: systemContext, dryRun: undo }, async (tx) => {
    // The transaction takes its id here, and commits later: others overtake it.
    await tx.query("SELECT pg_current_xact_id()");
    await sleep(holdMs);
    recordEvent(tx, { change: "created", kind: "City", name, version: 1, scope: nowhere, record: { name } });
  });
}

describe("the watch log", () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startTestPostgres();
  });
  after(() => postgres.stop());

  it("has neither gap nor double for a reader, although transactions commit out of order", async () => {
    const database = await postgres.createDatabase();
    const reader = createLogReader(database.server, (error) => assert.fail(String(error)));
    const stop = new AbortController();
    const seen: string[] = [];
    const start = await logEnd(database.server.query);
    const following = (async () => {
      for await (const changes of reader.follow(start, stop.signal)) seen.push(...changes.map(({ name }) => name));
    })();
    const expected = new Set<string>();
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      for (let round = 0; round < 40; round += 1) {
        const name = `w${writer}-${round}`;
        const undo = (writer + round) % 7 === 0;
        if (!undo) expected.add(name);
        await change(database, name, ((writer * 31 + round * 17) % 13) * 3, undo);
      }
    });
    await Promise.all(writers);
    for (let waited = 0; seen.length < expected.size && waited < 5000; waited += 50) await sleep(50);
    stop.abort();
    await following;
    assert.equal(seen.length, expected.size);
    assert.deepEqual(new Set(seen), expected);
  });

  it("does not pass a transaction that still runs", async () => {
    const database = await postgres.createDatabase();
    const start = await logEnd(database.server.query);
    const slow = change(database, "slow", 300);
    await sleep(50);
    await change(database, "quick", 0);
    const before = await readLog(database.server.query, start, 10);
    assert.deepEqual(before.changes, []);
    await slow;
    const next = await readLog(database.server.query, before.next, 10);
    const { changes } = next.changes.length > 0 ? next : await readLog(database.server.query, next.next, 10);
    assert.deepEqual(changes.map(({ name }) => name).sort(), ["quick", "slow"]);
  });

  it("has the changes of one resource in their order, although a later one had its transaction id first", async () => {
    const database = await postgres.createDatabase();
    const { query } = database.server;
    await query("INSERT INTO leases (name, holder, term, expires_at) VALUES ('row', 'x', 1, now())");
    const start = await logEnd(query);
    const version = (version: number, holdMs: number): Promise<void> =>
      transaction(database.server, { context: systemContext }, async (tx) => {
        await tx.query("SELECT pg_current_xact_id()");
        await sleep(holdMs);
        await tx.query("UPDATE leases SET term = $1 WHERE name = 'row'", [version]);
        await sleep(50);
        recordEvent(tx, { change: "updated", kind: "City", name: "a", version, scope: nowhere, record: {} });
      });
    const second = version(2, 100);
    await sleep(20);
    const first = version(1, 0);
    await Promise.all([first, second]);
    let part = await readLog(query, start, 10);
    while (!part.isEnd && part.changes.length === 0) part = await readLog(query, part.next, 10);
    assert.deepEqual(
      part.changes.map(({ version }) => version),
      [1, 2],
    );
  });

  it("refuses a cursor whose changes were pruned, and one from before a restore", async () => {
    const database = await postgres.createDatabase();
    const { query } = database.server;
    const start = await logEnd(query);
    await change(database, "old", 0);
    await change(database, "new", 0);
    await database.owner.query("UPDATE events SET at = now() - interval '3 hours' WHERE name = 'old'");
    assert.equal(await pruneLog(query, 2), 1);
    assert.equal(await isCursorGood(query, start), false);
    const end = await logEnd(query);
    assert.equal(await isCursorGood(query, end), true);
    assert.equal(await renewLogAfterRestore(query), false);
    await database.owner.query("UPDATE events SET xid = '18446744073709551000'");
    assert.equal(await renewLogAfterRestore(query), true);
    assert.equal(await isCursorGood(query, end), false);
  });
});
