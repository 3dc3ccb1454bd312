import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createDatabase, type Database } from "../database/database.ts";
import { transaction, type Transaction } from "../database/transaction.ts";
import { Failure } from "../http/failure.ts";
import { systemContext } from "../testing/system-context.ts";
import { startTestPostgres, type TestDatabase, type TestPostgres } from "../testing/test-postgres.ts";
import { reserveAddresses, retireInstances, subnetUsage } from "./index.ts";
import { demandOf, syncWideRack } from "./testing/two-racks.ts";

const clients = 50;

describe("reservations under load", () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startTestPostgres();
  });
  after(() => postgres.stop());

  const open = (database: TestDatabase, maxConnections: number): Database =>
    createDatabase({
      access: database.access.server,
      maxConnections,
      statementTimeoutMs: 60_000,
      applicationName: "wcs-load",
      onError: (error) => console.error(error),
    });

  it("of 50 clients at once, some undone, give every address once, refuse none that is free, and never deadlock", async () => {
    const database = await postgres.createDatabase();
    const many = open(database, clients);
    const act = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
      transaction(many, { context: systemContext }, work);
    const count = 2000;
    await act((tx) => syncWideRack(tx, count));
    const given = new Map<string, string>();
    let undone = 0;
    const started = performance.now();
    const client = async (number: number): Promise<void> => {
      for (let round = 0; ; round += 1) {
        const size = 1 + ((number + round) % 3);
        const demands = Array.from({ length: size }, (_, index) =>
          demandOf(`c${number}-${round}-${index}`, "wide", "wide-dmz"),
        );
        const isUndone = (number * 7 + round) % 10 === 0;
        try {
          const reserved = await act(async (tx) => {
            const all = await reserveAddresses(tx, demands);
            if (isUndone) throw new Error("undone");
            return all;
          });
          for (const { ip, instance } of reserved) {
            assert.ok(!given.has(ip), `${ip} was given to ${given.get(ip)} and ${instance}`);
            given.set(ip, instance);
          }
        } catch (error) {
          if (error instanceof Error && error.message === "undone") {
            undone += 1;
            continue;
          }
          assert.ok(error instanceof Failure && error.code === "ipam.exhausted", String(error));
          // A demand of one that is refused means that nothing is left.
          if (size === 1) return;
        }
      }
    };
    await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
    const seconds = (performance.now() - started) / 1000;
    assert.equal(given.size, 2 * count);
    assert.ok(undone > 20);
    const usage = await subnetUsage(many.query);
    assert.deepEqual(
      usage.map(({ free, reserved }) => [free, reserved]),
      [
        [0, count],
        [0, count],
      ],
    );
    const rows = await many.query<{ ip: string; owner: string }>(
      "SELECT ip, owner FROM ipam_addresses WHERE owner IS NOT NULL",
    );
    assert.deepEqual(new Map(rows.map(({ ip, owner }) => [ip, owner])), given);
    const [locks] = await many.query<{ deadlocks: number }>(
      "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
    );
    assert.equal(locks?.deadlocks, 0);
    console.log(
      `${given.size} addresses, ${undone} transactions undone, ${(given.size / seconds).toFixed(0)} addresses/s`,
    );

    // And all of them back at once, by the same clients.
    const instances = [...new Set(given.values())];
    const shares = Array.from({ length: clients }, (_, number) =>
      instances.filter((_, index) => index % clients === number),
    );
    await Promise.all(shares.map((share) => act((tx) => retireInstances(tx, share))));
    const [{ cooling } = { cooling: 0 }] = await many.query<{ cooling: number }>(
      "SELECT count(*) AS cooling FROM ipam_addresses WHERE state = 'cooling'",
    );
    assert.equal(cooling, 2 * count);
    await many.close();
  });

  it("lose nothing that was told and give nothing twice when the process is killed in their middle, again and again", async () => {
    const database = await postgres.createDatabase();
    const { query } = database.server;
    await transaction(database.server, { context: systemContext }, (tx) => syncWideRack(tx, 20_000));
    const told = new Map<string, string>();
    for (let life = 0; life < 6; life += 1) {
      const args = [
        `${import.meta.dirname}/testing/reserve-until-killed.ts`,
        JSON.stringify(database.access.server),
        String(life),
      ];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      const exited = new Promise((resolve) => {
        child.once("exit", (_code, signal) => resolve(signal));
      });
      const lines = createInterface({ input: child.stdout });
      const first = Promise.withResolvers<void>();
      lines.on("line", (line) => {
        const [core = "", dmz = "", instance = ""] = line.split(" ");
        for (const ip of [core, dmz]) {
          assert.ok(!told.has(ip), `${ip} was told twice`);
          told.set(ip, instance);
        }
        first.resolve();
      });
      await first.promise;
      await sleep(50 + life * 37);
      child.kill("SIGKILL");
      assert.equal(await exited, "SIGKILL");
    }
    // PostgreSQL notices a dead client when it next talks to it.
    for (;;) {
      const [{ open } = { open: 0 }] = await query<{ open: number }>(
        "SELECT count(*) AS open FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'wcs-killed-%'",
      );
      if (open === 0) break;
      await sleep(20);
    }
    const rows = await query<{ ip: string; owner: string; version: number; versions: number }>(
      `SELECT ip, owner, version, (SELECT count(*) FROM ipam_history h WHERE h.ip = a.ip) AS versions
       FROM ipam_addresses a WHERE owner IS NOT NULL`,
    );
    const kept = new Map(rows.map(({ ip, owner }) => [ip, owner]));
    for (const [ip, instance] of told) assert.equal(kept.get(ip), instance, `${ip} was told and is lost`);
    assert.ok(
      rows.every(({ version, versions }) => version === versions),
      "history is whole",
    );
    // Both NICs or none, told or not.
    const nics = Map.groupBy(rows, ({ owner }) => owner);
    assert.ok([...nics.values()].every((both) => both.length === 2));
    // At most one untold transaction for each of the eight workers of each life.
    assert.ok(rows.length - told.size <= 6 * 8 * 2, `${rows.length} kept, ${told.size} told`);
    const [next] = await transaction(database.server, { context: systemContext }, (tx) =>
      reserveAddresses(tx, [demandOf("after", "wide")]),
    );
    assert.ok(next !== undefined && !kept.has(next.ip));
    console.log(`${told.size} addresses told before six kills, ${rows.length - told.size} more were committed`);
  });
});
