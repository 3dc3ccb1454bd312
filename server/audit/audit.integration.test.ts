import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { verifyChain, type ChainRow } from "@wcs/core/audit";
import { nowhere } from "../access/nowhere.ts";
import { transaction } from "../database/transaction.ts";
import { systemContext } from "../testing/system-context.ts";
import { startTestPostgres, type TestPostgres } from "../testing/test-postgres.ts";
import { recordAudit } from "./record-audit.ts";

describe("the audit", () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startTestPostgres();
  });
  after(() => postgres.stop());

  it("chains entries in the database as core verifies them, whoever writes at once", async () => {
    const { server } = await postgres.createDatabase();
    const write = (name: string): Promise<void> =>
      transaction(server, { context: { ...systemContext, reason: "因为 测试" } }, async (tx) => {
        const resource = { kind: "City", name };
        recordAudit(tx, { resource, scope: nowhere, before: null, after: { name, 中: "文" }, outcome: "done" });
      });
    await Promise.all(Array.from({ length: 100 }, (_, index) => write(`c${index}`)));
    const rows = await server.query<ChainRow>(
      "SELECT chain, sequence, encode(hash, 'hex') AS hash, entry FROM audit_entries ORDER BY chain, sequence",
    );
    assert.equal(rows.length, 100);
    for (const chain of new Set(rows.map((row) => row.chain))) {
      const verifier = verifyChain(chain, []);
      for (const row of rows.filter((row) => row.chain === chain)) assert.deepEqual(verifier.next(row), []);
    }
  });

  it("keeps no entry of an act that is undone", async () => {
    const { server } = await postgres.createDatabase();
    const failing = transaction(server, { context: systemContext }, async (tx) => {
      const resource = { kind: "City", name: "x" };
      recordAudit(tx, { resource, scope: nowhere, before: null, after: null, outcome: "done" });
      await tx.query("SELECT 1 / 0");
    });
    await assert.rejects(failing, /division by zero/);
    assert.deepEqual(await server.query("SELECT 1 FROM audit_entries"), []);
  });
});
