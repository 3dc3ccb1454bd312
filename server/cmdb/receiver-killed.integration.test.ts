import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { cmdbOperations } from "@wcs/api/cmdb";
import { nowhere } from "../access/nowhere.ts";
import { transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import { systemContext } from "../testing/system-context.ts";
import { startTestPostgres, type TestDatabase, type TestPostgres } from "../testing/test-postgres.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

/** A CMDB that writes down what it gets, durably, before it answers. Its port and file are its arguments. */
const receiverScript = `
  import { createServer } from "node:http";
  import { fsyncSync, openSync, writeSync } from "node:fs";
  const [port, path] = process.argv.slice(1);
  const file = openSync(path, "a");
  createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      const { key, name, version } = JSON.parse(body);
      writeSync(file, JSON.stringify({ key, name, version }) + "\\n");
      fsyncSync(file);
      setTimeout(() => response.writeHead(200).end(), Math.random() * 20);
    });
  }).listen(Number(port), "127.0.0.1", function () { console.log(this.address().port); });
`;
const [objects, versions] = [5, 12];

describe("a CMDB that is killed again and again", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  const folder = mkdtempSync(join(tmpdir(), "wcs-cmdb-"));
  const file = join(folder, "received.jsonl");
  let receiver: ChildProcess | null = null;
  before(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    server = await startTestServer(database, { env: { WCS_LOG_LEVEL: "error" } });
  });
  after(async () => {
    receiver?.kill("SIGKILL");
    await server.stop();
    await postgres.stop();
    rmSync(folder, { recursive: true });
  });

  const start = async (port: string): Promise<string> => {
    receiver = spawn(process.execPath, ["--input-type=module", "--eval", receiverScript, port, file], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    assert.ok(receiver.stdout !== null);
    const [said] = (await once(receiver.stdout, "data", { signal: AbortSignal.timeout(20_000) })) as [Buffer];
    return said.toString().trim();
  };
  const kill = async (): Promise<void> => {
    const child = receiver;
    receiver = null;
    if (child === null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };
  type Received = Readonly<{ key: string; name: string; version: number }>;
  const received = (): readonly Received[] =>
    existsSync(file)
      ? readFileSync(file, "utf8")
          .split("\n")
          .flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Received]))
      : [];

  it(
    "has every change at the end, each object's in order, and what came twice under one key",
    { timeout: 90_000 },
    async () => {
      const port = await start("0");
      await server.admin.call(cmdbOperations.createTarget, {
        query: {},
        body: { name: "cmdb", type: "webhook", url: `http://127.0.0.1:${port}/`, kinds: ["Host"], enabled: true },
      });
      // The back-off is for CMDBs that are away for hours; this one is not.
      await database.owner.query(
        `CREATE FUNCTION soon() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.next_at := now() + interval '20 ms'; NEW.attempts := 1; RETURN NEW; END $$;
       CREATE TRIGGER soon BEFORE UPDATE ON cmdb_deliveries FOR EACH ROW WHEN (NEW.state = 'waiting') EXECUTE FUNCTION soon();
       GRANT EXECUTE ON FUNCTION soon TO wcs_server`,
      );
      for (let waitedMs = 0; ; waitedMs += 50) {
        if ((await database.server.query("SELECT 1 FROM cmdb_intake WHERE cursor IS NOT NULL")).length > 0) break;
        assert.ok(waitedMs < 20_000, "the intake has not begun");
        await sleep(50);
      }
      const change = async (version: number): Promise<void> => {
        for (let object = 0; object < objects; object += 1) {
          await transaction(database.server, { context: systemContext }, async (tx) => {
            const name = `h${object}`;
            recordEvent(tx, {
              change: "updated",
              kind: "Host",
              name,
              version,
              scope: nowhere,
              record: { name, version },
            });
          });
        }
      };
      let kills = 0;
      for (let version = 1; version <= versions; version += 1) {
        await change(version);
        if (version % 3 !== 0) continue;
        await sleep(15 * version);
        await kill();
        kills += 1;
        await sleep(30);
        await start(port);
      }
      const done = async (): Promise<boolean> => {
        const [row] = await database.server.query<{ n: number }>(
          "SELECT count(*)::int AS n FROM cmdb_deliveries WHERE state = 'delivered'",
        );
        return row?.n === objects * versions;
      };
      for (let waitedMs = 0; !(await done()); waitedMs += 100) {
        assert.ok(waitedMs < 40_000, `only ${received().length} came`);
        await sleep(100);
      }
      assert.equal(kills, versions / 3);
      const all = received();
      for (let object = 0; object < objects; object += 1) {
        const own = all.filter(({ name }) => name === `h${object}`);
        const order = own.map(({ version }) => version);
        assert.deepEqual(
          order,
          order.toSorted((a, b) => a - b),
          `h${object} is out of order`,
        );
        assert.equal(new Set(order).size, versions, `h${object} lacks a change`);
        assert.equal(new Set(own.map(({ key }) => key)).size, versions, "a change that came twice has two keys");
      }
    },
  );
});
