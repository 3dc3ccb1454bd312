import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { accessOperations } from "@wcs/api/access";
import { auditOperations } from "@wcs/api/audit";
import { verifyChain, type ChainRow } from "@wcs/core/audit";
import { nowhere } from "../access/nowhere.ts";
import { transaction } from "../database/transaction.ts";
import { systemContext } from "../testing/system-context.ts";
import { startTestPostgres, type TestPostgres } from "../testing/test-postgres.ts";
import { startTestServer } from "../testing/test-server.ts";
import { recordAudit } from "./record-audit.ts";

const [list, verify] = auditOperations;

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

  it("finds what was changed, removed, reordered or cut off in PostgreSQL itself, and names the row", async () => {
    const database = await postgres.createDatabase();
    const server = await startTestServer(database, { env: { WCS_AUDIT_CHECKPOINT_MS: "100" } });
    try {
      const make = (name: string) =>
        server.admin.call(accessOperations.Group.create, { query: {}, body: { name, spec: { members: [] } } });
      for (let index = 0; index < 60; index += 1) await make(`g${index}`);
      await sleep(300);
      const faults = async () => (await server.admin.call(verify, {})).body;
      const whole = await faults();
      assert.deepEqual(whole.faults, []);
      assert.equal(whole.entries, 61);
      assert.ok(whole.checkpoints > 0);
      const { chain } = whole.heads.toSorted((a, b) => b.sequence - a.sequence)[0] ?? assert.fail("no chain");
      const last = whole.heads.find((head) => head.chain === chain)?.sequence ?? 0;
      assert.ok(last >= 5);
      const at = `chain = ${chain} AND sequence =`;
      const tampering: readonly (readonly [string, string, number])[] = [
        [
          `UPDATE audit_entries SET entry = replace(entry, 'first-administrator', 'mallory') WHERE ${at} 2`,
          "changed",
          2,
        ],
        [`UPDATE audit_entries SET hash = sha256('x') WHERE ${at} 3`, "changed", 3],
        [`DELETE FROM audit_entries WHERE ${at} 2`, "removed", 2],
        [
          `UPDATE audit_entries a SET entry = b.entry FROM audit_entries b
           WHERE a.chain = ${chain} AND b.chain = ${chain} AND a.sequence + b.sequence = 7 AND a.sequence IN (3, 4)`,
          "changed",
          3,
        ],
        [`DELETE FROM audit_entries WHERE chain = ${chain} AND sequence > 3`, "truncated", 4],
        [`DELETE FROM audit_entries WHERE chain = ${chain}`, "truncated", 1],
      ];
      for (const [statement, fault, sequence] of tampering) {
        await database.owner.query("CREATE TABLE IF NOT EXISTS kept AS TABLE audit_entries");
        await database.owner.query(statement);
        const found = await faults();
        assert.equal(found.ok, false, statement);
        assert.ok(
          found.faults.some((each) => each.fault === fault && each.chain === chain && each.sequence === sequence),
          `${statement}: ${JSON.stringify(found.faults)}`,
        );
        await database.owner.query(
          "TRUNCATE audit_entries; INSERT INTO audit_entries (chain, sequence, hash, entry) SELECT chain, sequence, hash, entry FROM kept",
        );
        assert.equal((await faults()).ok, true);
      }
      const file = join(server.running.platform.state.path, "audit-checkpoints.jsonl");
      const lines = readFileSync(file, "utf8").trimEnd().split("\n");
      writeFileSync(file, `${lines.slice(1).join("\n")}\n`);
      assert.equal((await faults()).faults[0]?.fault, "checkpoint-invalid");
      writeFileSync(file, `${lines.join("\n").replace('"sequence":', '"sequence":1')}\n`);
      assert.equal((await faults()).faults[0]?.fault, "checkpoint-invalid");
      for (const [text, what] of [
        [`${lines.slice(0, -1).join("\n")}\n`, "cut off"],
        ["", "emptied"],
        [null, "removed"],
      ] as const) {
        if (text === null) rmSync(file);
        else writeFileSync(file, text);
        const found = (await faults()).faults;
        const missing = /last lines of writer [0-9a-f]{16} are missing/;
        assert.ok(
          found.some(({ fault, message }) => fault === "checkpoint-invalid" && missing.test(message)),
          what,
        );
      }
      writeFileSync(file, `${lines.join("\n")}\n`);
      assert.equal((await faults()).ok, true);
    } finally {
      await server.stop();
    }
  });

  it("lists entries newest first, by filter and page", async () => {
    const server = await startTestServer(await postgres.createDatabase());
    try {
      for (let index = 0; index < 5; index += 1) {
        const body = { name: `g${index}`, spec: { members: [] } };
        await server.admin.call(accessOperations.Group.create, { query: {}, body, reason: "因为", ticket: "ITSM-1" });
      }
      const first = (await server.admin.call(list, { query: { kind: "Group", limit: 3 } })).body;
      assert.deepEqual(
        first.items.map(({ resource }) => resource.name),
        ["g4", "g3", "g2"],
      );
      assert.equal(first.items[0]?.reason, "因为");
      assert.equal(first.items[0]?.ticket, "ITSM-1");
      const query = { kind: "Group", limit: 3, cursor: first.next ?? "" };
      const second = (await server.admin.call(list, { query })).body;
      assert.deepEqual(
        second.items.map(({ resource }) => resource.name),
        ["g1", "g0"],
      );
      assert.equal(second.next, null);
    } finally {
      await server.stop();
    }
  });
});
