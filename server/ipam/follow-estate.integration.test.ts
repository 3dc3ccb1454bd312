import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ProblemError } from "@wcs/api";
import { changeEstate } from "@wcs/api/estate";
import { transaction } from "../database/transaction.ts";
import { systemContext } from "../testing/system-context.ts";
import { startTestPostgres, type TestDatabase, type TestPostgres } from "../testing/test-postgres.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { reserveAddresses, subnetUsage } from "./index.ts";
import { demandOf } from "./testing/two-racks.ts";

describe("the ledger and the estate", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  before(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    server = await startTestServer(database);
  });
  after(async () => {
    await server.stop();
    await postgres.stop();
  });
  const subnet = {
    kind: "Subnet",
    name: "r1-core",
    spec: {
      rack: "r1",
      area: "core",
      cidr: "10.71.1.0/24",
      gateway: "10.71.1.254",
      fixed: "10.71.1.100-10.71.1.109",
      dynamic: "10.71.1.20-10.71.1.99",
    },
  };
  const apply = (documents: readonly object[], deletions: readonly object[] = []) =>
    server.admin.call(changeEstate, { body: { documents, deletions } as never, idempotencyKey: crypto.randomUUID() });
  const until = async (what: string, check: () => Promise<boolean>): Promise<void> => {
    const end = Date.now() + 10_000;
    while (!(await check())) {
      assert.ok(Date.now() < end, what);
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
    }
  };
  const usage = async () => (await subnetUsage(database.server.query, { subnet: "r1-core" }))[0];

  it("has a subnet and the addresses of its VMs a moment after the estate has them", async () => {
    await apply([
      { kind: "City", name: "shenzhen" },
      { kind: "IDC", name: "idc1", spec: { city: "shenzhen" } },
      { kind: "Area", name: "core", spec: { external: false } },
      { kind: "Rack", name: "r1", spec: { idc: "idc1" } },
      subnet,
      { kind: "VM", name: "v1", spec: { rack: "r1", addresses: { core: "10.71.1.11" } } },
    ]);
    await until("the subnet is not in the ledger", async () => (await usage())?.free === 10);
    const vm = "SELECT state FROM ipam_addresses WHERE owner = 'v1'";
    await until("the VM's address is not", async () => (await database.server.query(vm)).length === 1);
  });

  it("keeps the estate from deleting or rewiring a subnet that is in use, and follows a wider range", async () => {
    await transaction(database.server, { context: systemContext }, (tx) =>
      reserveAddresses(tx, [demandOf("a-1", "r1-core")]),
    );
    const refused = async (work: Promise<unknown>): Promise<string> => {
      const error: unknown = await work.catch((error: unknown) => error);
      assert.ok(error instanceof ProblemError, String(error));
      return error.problem.code;
    };
    const vmGone = { kind: "VM", name: "v1" };
    assert.equal(await refused(apply([], [vmGone, { kind: "Subnet", name: "r1-core" }])), "resource.referenced");
    const rewired = { ...subnet, spec: { ...subnet.spec, gateway: "10.71.1.253" } };
    assert.equal(await refused(apply([rewired])), "resource.referenced");
    await apply([{ ...subnet, spec: { ...subnet.spec, fixed: "10.71.1.100-10.71.1.119" } }]);
    await until("the ledger does not follow", async () => (await usage())?.fixed === 20);
    assert.equal((await usage())?.reserved, 1);
  });

  it("follows single VMs: what one gives up cools down, and what another asks for too early is told of", async () => {
    const vm = (name: string, address: string) => ({
      kind: "VM",
      name,
      spec: { rack: "r1", addresses: { core: address } },
    });
    const stateOf = async (ip: string): Promise<string> => {
      const text = "SELECT concat_ws(' ', state, owner) AS is FROM ipam_addresses WHERE ip = $1";
      return (await database.server.query<{ is: string }>(text, [ip]))[0]?.is ?? "";
    };
    const claims = async (): Promise<readonly string[]> => {
      const text = "SELECT host FROM ipam_differences WHERE kind = 'estate-claim'";
      return (await database.server.query<{ host: string }>(text)).map(({ host }) => host);
    };
    await apply([vm("v2", "10.71.1.12"), vm("v3", "10.71.1.13")]);
    await until("v3 is not followed", async () => (await stateOf("10.71.1.13")) === "bound v3");
    assert.equal(await stateOf("10.71.1.12"), "bound v2");
    await apply([vm("v2", "10.71.1.14")], [{ kind: "VM", name: "v3" }]);
    await until("v2 is not followed", async () => (await stateOf("10.71.1.14")) === "bound v2");
    assert.deepEqual([await stateOf("10.71.1.12"), await stateOf("10.71.1.13")], ["cooling", "cooling"]);
    await apply([vm("v4", "10.71.1.13")]);
    await until("the claim is not told of", async () => (await claims()).includes("v4"));
    await database.owner.query("UPDATE ipam_addresses SET state = 'free', free_at = NULL WHERE ip = '10.71.1.13'");
    await apply([{ ...vm("v2", "10.71.1.14"), title: "any change" }]);
    await until("v4 does not get it when it is free", async () => (await stateOf("10.71.1.13")) === "bound v4");
    assert.deepEqual(await claims(), []);
  });
});
