import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ProblemError } from "@wcs/api";
import { changeEstate, estateOperations } from "@wcs/api/estate";
import { parseEstateFile } from "@wcs/core/estate";
import { transaction } from "../database/transaction.ts";
import { bankEstate } from "../estate/testing/bank-estate.ts";
import { systemContext } from "../testing/system-context.ts";
import { addInstance, instanceRow } from "../testing/add-instance.ts";
import {
  startTestPostgres,
  startTestServer,
  type TestDatabase,
  type TestPostgres,
  type TestServer,
} from "../testing/index.ts";
import { lockPlacement } from "./lock-placement.ts";

const host = "idc1-h1";
describe("a change of the estate and a placement at once", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  let pools: readonly [string, string];
  before(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    server = await startTestServer(database);
    const documents = parseEstateFile(bankEstate).documents.map(({ value }) => value);
    await server.admin.call(changeEstate, { body: { documents } });
    const { body } = await server.admin.call(estateOperations.Host.get, { params: { name: host } });
    const pool = (body.spec as { pool: string }).pool;
    const other = { kind: "Pool", name: "other", spec: { environment: "production" } };
    await server.admin.call(changeEstate, { body: { documents: [other] }, ticket: "CHG1" });
    pools = [pool, "other"];
    // The first makes the table take instances without a request.
    await addInstance(database.owner, { name: "first", host: "idc2-h1" });
  });
  after(async () => {
    await server.stop();
    await postgres.stop();
  });

  const moveTo = async (pool: string): Promise<"done" | "frozen"> => {
    const { body } = await server.admin.call(estateOperations.Host.get, { params: { name: host } });
    const moved = { ...body, version: undefined, spec: { ...body.spec, pool } };
    try {
      await server.admin.call(changeEstate, { body: { documents: [moved] }, ticket: "CHG1" });
      return "done";
    } catch (error) {
      assert.ok(error instanceof ProblemError);
      assert.deepEqual(
        error.problem.errors?.map(({ code }) => code),
        ["field-frozen"],
        JSON.stringify(error.problem),
      );
      return "frozen";
    }
  };
  /** Decides on the host by what the estate says under placement's lock, thinks for a while, and writes the instance down. */
  const place = (name: string, thinkMs: number): Promise<void> =>
    transaction(database.server, { context: systemContext }, async (tx) => {
      await lockPlacement(tx);
      const [row] = await tx.query<{ pool: string }>("SELECT pool FROM hosts WHERE name = $1", [host]);
      await sleep(thinkMs);
      await instanceRow(tx.query, { name, host, pool: row?.pool ?? "" });
    });
  const misplaced = async (): Promise<readonly unknown[]> => {
    const { rows } = await database.owner.query(
      "SELECT i.name FROM instances i JOIN hosts h ON h.name = i.host WHERE i.retired_at IS NULL AND i.pool <> h.pool AND i.host = $1",
      [host],
    );
    return rows;
  };
  const retireAll = () => database.owner.query("UPDATE instances SET retired_at = now() WHERE host = $1", [host]);

  it("come one after the other: the change waits for the placement, and is refused by what was placed", async () => {
    const placing = place("slow", 400);
    await sleep(100);
    const moving = moveTo(pools[1]);
    assert.equal(await Promise.race([moving, sleep(150).then(() => "waits")]), "waits");
    await placing;
    assert.equal(await moving, "frozen");
    assert.deepEqual(await misplaced(), []);
    await retireAll();
  });

  it("never leave an instance on a host that is no longer what it was placed on", async () => {
    for (let round = 0; round < 25; round += 1) {
      const work = [
        moveTo(pools[round % 2 === 0 ? 1 : 0]),
        sleep(round % 5).then(() => place(`race-${round}`, round % 3)),
      ];
      await Promise.all(work);
      assert.deepEqual(await misplaced(), []);
      await retireAll();
    }
  });
});
