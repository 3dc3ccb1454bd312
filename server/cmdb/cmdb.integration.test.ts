import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { cmdbOperations } from "@wcs/api/cmdb";
import { nowhere } from "../access/nowhere.ts";
import { transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import { startTestPostgres, type TestDatabase, type TestPostgres } from "../testing/test-postgres.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { systemContext } from "../testing/system-context.ts";

type Received = Readonly<{ key: string; name: string; version: number; signed: boolean; fresh: boolean }>;
const hmacKey = "0123456789abcdef0123456789abcdef";

describe("the CMDB outbox", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  let receiver: Server;
  let url: string;
  let stateDirectory: string;
  let received: Received[];
  let answerWith: (message: Received) => number;
  before(async () => {
    postgres = await startTestPostgres();
    receiver = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const body = Buffer.concat(parts).toString();
        const timestamp = String(request.headers["wcs-timestamp"]);
        const expected = `v1=${createHmac("sha256", hmacKey).update(`${timestamp}.${body}`).digest("hex")}`;
        const { key, name, version } = JSON.parse(body) as Received;
        const message = {
          key,
          name,
          version,
          signed: request.headers["wcs-signature"] === expected,
          fresh: Math.abs(Date.now() / 1e3 - Number(timestamp)) < 5,
        };
        received.push(message);
        response.writeHead(answerWith(message)).end();
      });
    });
    receiver.listen(0, "127.0.0.1");
    await once(receiver, "listening");
    url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/cmdb`;
  });
  after(async () => {
    receiver.closeAllConnections();
    receiver.close();
    await postgres.stop();
  });
  beforeEach(async () => {
    received = [];
    answerWith = () => 200;
    database = await postgres.createDatabase();
    stateDirectory = mkdtempSync(join(tmpdir(), "wcs-state-"));
    server = await startTestServer(database, { stateDirectory });
    await server.admin.call(cmdbOperations.createTarget, {
      query: {},
      body: { name: "we-cmdb", type: "webhook", url, kinds: ["Host"], enabled: true, key: hmacKey },
    });
    await waitFor(
      async () => (await database.server.query("SELECT 1 FROM cmdb_intake WHERE cursor IS NOT NULL")).length > 0,
    );
  });
  afterEach(async () => {
    await server.stop();
    rmSync(stateDirectory, { recursive: true });
  });

  const change = (name: string, version: number, kind = "Host"): Promise<void> =>
    transaction(database.server, { context: systemContext }, async (tx) => {
      recordEvent(tx, { change: "updated", kind, name, version, scope: nowhere, record: { name } });
    });
  async function waitFor(isDone: () => Promise<boolean> | boolean): Promise<void> {
    for (let waitedMs = 0; !(await isDone()); waitedMs += 50) {
      assert.ok(waitedMs < 15_000, `not within 15 s: ${JSON.stringify(received)}`);
      await sleep(50);
    }
  }
  const deliveries = async (state: "dead" | "delivered" | "waiting") =>
    (await server.admin.call(cmdbOperations.listDeliveries, { query: { state } })).body.items;

  it("brings every change, signed, in order for each object, although the receiver fails half the time", async () => {
    let count = 0;
    answerWith = () => ((count += 1) % 2 === 0 ? 200 : 503);
    await database.owner.query(
      "CREATE FUNCTION quick() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.next_at := now(); RETURN NEW; END $$",
    );
    await database.owner.query(
      "CREATE TRIGGER quick BEFORE UPDATE ON cmdb_deliveries FOR EACH ROW EXECUTE FUNCTION quick()",
    );
    await database.owner.query("GRANT EXECUTE ON FUNCTION quick TO wcs_server");
    for (let version = 1; version <= 5; version += 1) for (const name of ["a", "b", "c"]) await change(name, version);
    await change("city", 1, "City");
    await waitFor(async () => (await deliveries("delivered")).length === 15);
    assert.ok(received.every(({ signed, fresh }) => signed && fresh));
    for (const name of ["a", "b", "c"]) {
      const versions = received.filter((message) => message.name === name).map(({ version }) => version);
      assert.deepEqual(
        versions,
        versions.toSorted((a, b) => a - b),
      );
      assert.deepEqual([...new Set(versions)], [1, 2, 3, 4, 5]);
      assert.equal(new Set(received.filter((message) => message.name === name).map(({ key }) => key)).size, 5);
    }
  });

  it("shows a delivery that gave up, holds up its object and no other, and goes on when it is replayed", async () => {
    answerWith = ({ name }) => (name === "bad" ? 500 : 200);
    await change("bad", 1);
    await waitFor(async () => (await deliveries("waiting")).length > 0);
    await database.server.query("UPDATE cmdb_deliveries SET attempts = 14, next_at = now() WHERE name = 'bad'");
    await waitFor(async () => (await deliveries("dead")).length === 1);
    await change("bad", 2);
    await change("good", 1);
    await waitFor(async () => (await deliveries("delivered")).length === 1);
    const [dead] = await deliveries("dead");
    assert.match(dead?.lastError ?? "", /the CMDB answered 500/);
    assert.ok(!received.some(({ name, version }) => name === "bad" && version === 2));
    answerWith = () => 200;
    await server.admin.call(cmdbOperations.replayDelivery, { params: { id: dead?.id ?? 0 }, query: {} });
    await waitFor(async () => (await deliveries("delivered")).length === 3);
    assert.deepEqual(
      received
        .filter(({ name }) => name === "bad")
        .slice(-2)
        .map(({ version }) => version),
      [1, 2],
    );
  });

  it("loses nothing when the receiver and then the server are away", async () => {
    answerWith = () => 503;
    await change("a", 1);
    await waitFor(() => received.length > 0);
    await server.stop();
    await change("a", 2);
    answerWith = () => 200;
    await database.server.query("UPDATE cmdb_deliveries SET next_at = now()");
    server = await startTestServer(database, { token: server.token, stateDirectory });
    await waitFor(() => received.some(({ version }) => version === 2));
    await waitFor(async () => (await deliveries("delivered")).length === 2);
  });
});
