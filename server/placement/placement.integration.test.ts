import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ProblemError } from "@wcs/api";
import { changeEstate } from "@wcs/api/estate";
import { placementOperations } from "@wcs/api/placement";
import { parseEstateFile } from "@wcs/core/estate";
import { bankEstate } from "../estate/testing/bank-estate.ts";
import { startTestPostgres, startTestServer, type TestPostgres, type TestServer } from "../testing/index.ts";

const { plan, explain, simulateLoss, listPoolUse, getPoolUse } = placementOperations;

describe("questions to the placement engine", () => {
  let postgres: TestPostgres;
  let server: TestServer;
  before(async () => {
    postgres = await startTestPostgres();
    server = await startTestServer(await postgres.createDatabase());
    const documents = parseEstateFile(bankEstate).documents.map(({ value }) => value);
    await server.admin.call(changeEstate, { body: { documents } });
    // The ledger takes the subnets over from the estate by itself, a moment later.
    for (let waitedMs = 0; !(await hasAddresses()); waitedMs += 100) {
      assert.ok(waitedMs < 20_000, "the ledger has no addresses");
      await sleep(100);
    }
  });
  after(async () => {
    await server.stop();
    await postgres.stop();
  });

  const hasAddresses = async (): Promise<boolean> => {
    const { body } = await server.admin.call(getPoolUse, { params: { name: "shared-1" } });
    return body.racks.every(({ freeIps }) => (freeIps["core"] ?? 0) > 0);
  };
  const items = (count: number) => [{ subsystem: "0101", class: "4C8G", areas: ["core"], counts: { "1C1": count } }];

  it("are refused with the reason while the only cluster is not heard of, and the plan says so", async () => {
    const { body } = await server.admin.call(plan, { body: { items: items(1) } });
    assert.ok(body.outcome === "refusal");
    assert.deepEqual(body.conflict.map(({ rule }) => rule).toSorted(), ["cluster-stale", "count"]);
    assert.match(body.notes[0]?.en ?? "", /idc1-c1 has not been heard of/);
    assert.match(body.text.zh, /集群近期没有上报状态/);
  });

  it("count the hosts that each rule took out, and say what is against one", async () => {
    const { body } = await server.admin.call(explain, { body: { question: { items: items(1) }, host: "idc2-h1" } });
    const steps = body.demands.flatMap((demand) => demand.steps.map(({ rule, hosts }) => [rule, hosts]));
    assert.deepEqual(steps, [
      ["idc", 1],
      ["cluster-stale", 1],
    ]);
    const reasons = body.host?.demands.flatMap((demand) => demand.reasons.map(({ rule }) => rule)) ?? [];
    assert.ok(reasons.includes("idc"));
  });

  it("tell what a loss takes, VMs counted", async () => {
    const { body } = await server.admin.call(simulateLoss, { body: { domain: "rack", name: "idc1-r1" } });
    assert.deepEqual([body.hosts, body.instances, body.vms], [1, 0, 1]);
    assert.equal(body.deployments[0]?.left, 0);
  });

  it("show every pool, and one in detail", async () => {
    const { body: pools } = await server.admin.call(listPoolUse, {});
    assert.deepEqual(
      pools.items.map(({ id, hosts }) => [id, hosts]),
      [["shared-1", 2]],
    );
    const { body: pool } = await server.admin.call(getPoolUse, { params: { name: "shared-1" } });
    assert.deepEqual(pool.fragmentation, [{ class: "4C8G", fits: 16, inOnePiece: 16 }]);
    assert.equal(pool.businesses[0]?.business, "retail");
    assert.equal(pool.racks.length, 2);
  });

  it("name the field of a question that can't be read", async () => {
    const call = server.admin.call(plan, { body: { items: [{ ...items(1)[0]!, class: "9C9G" }] } });
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof ProblemError);
      assert.equal(error.problem.code, "request.invalid");
      assert.equal(error.problem.errors?.[0]?.pointer, "/items/0/class");
      return true;
    });
  });
});
