// An agent on a host of namespaces and a whole server: what the host has comes into the ledger, and what the ledger knows better comes back.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createTestHost, instancePod, podArgs, type TestHost } from "@wcs/agent/testing";
import { accessOperations } from "@wcs/api/access";
import { changeEstate } from "@wcs/api/estate";
import { ipamOperations } from "@wcs/api/ipam";
import { tokenOperations } from "@wcs/api/token";
import { buildWecni } from "@wcs/cni";
import {
  startTestPostgres,
  startTestServer,
  type TestDatabase,
  type TestPostgres,
  type TestServer,
} from "@wcs/server/testing";

const [, getAddress] = ipamOperations;
const [, createToken] = tokenOperations;
const ip = "10.9.1.20";
const app = instancePod("app-0", [{ area: "core", host: 20 }]);

const estate = [
  { kind: "City", name: "shenzhen", spec: {} },
  { kind: "IDC", name: "idc1", spec: { city: "shenzhen" } },
  { kind: "Area", name: "core", spec: { external: false } },
  { kind: "Rack", name: "rack1", spec: { idc: "idc1" } },
  {
    kind: "Subnet",
    name: "rack1-core",
    spec: {
      rack: "rack1",
      area: "core",
      cidr: "10.9.1.0/24",
      gateway: "10.9.1.254",
      fixed: "10.9.1.20-10.9.1.99",
      dynamic: "10.9.1.200-10.9.1.230",
    },
  },
];

async function until(what: string, check: () => Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  while (!(await check())) {
    assert.ok(Date.now() < endMs, `not within ${timeoutMs} ms: ${what}`);
    await sleep(50);
  }
}

describe("a host's reports to the ledger", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  let host: TestHost;
  let way: Server | null = null;
  const sockets = new Set<Socket>();
  let token = "";
  let spaces = 0;
  const space = () => host.addSpace(`r${(spaces += 1)}`);

  before(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    server = await startTestServer(database);
    await server.admin.call(changeEstate, { body: { documents: estate } });
    await until("the ledger has the subnet", async () => (await stateOf(ip)) === "free usable");
    const account = { kind: "ServiceAccount", name: "agent-host1" } as const;
    await server.admin.call(accessOperations.ServiceAccount.create, { body: { name: account.name, spec: {} } });
    const rules = [{ effect: "allow" as const, verbs: ["report"], resources: ["hosts"] }];
    await server.admin.call(accessOperations.Role.create, { body: { name: "agent", spec: { rules } } });
    const binding = { role: "agent", subjects: [account] };
    await server.admin.call(accessOperations.RoleBinding.create, { body: { name: "agents", spec: binding } });
    token = (await server.admin.call(createToken, { body: { subject: account, lifetimeHours: 1 } })).body.text;
    host = await createTestHost({ wecni: await buildWecni() });
    host.setPods([app]);
    await openWay();
    await startAgent();
  });
  after(async () => {
    await host?.close();
    await closeWay();
    await server?.stop();
    await postgres?.stop();
  });

  const socket = () => join(host.folder, "server.sock");
  /** The server is in another network namespace: a unix socket leads there. */
  async function openWay(): Promise<void> {
    const { hostname, port } = new URL(server.url);
    const opened = createServer((near) => {
      const far = connect(Number(port), hostname);
      sockets.add(near);
      near.once("close", () => sockets.delete(near));
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on("error", () => to.destroy());
        from.pipe(to);
      }
    });
    await new Promise<void>((resolve) => {
      opened.listen(socket(), resolve);
    });
    way = opened;
  }
  async function closeWay(): Promise<void> {
    const closing = way;
    way = null;
    if (closing === null) return;
    const closed = new Promise((resolve) => {
      closing.close(resolve);
    });
    for (const socket of sockets) socket.destroy();
    await closed;
    rmSync(socket(), { force: true });
  }
  const startAgent = () =>
    host.start(undefined, 0, { WCS_TEST_REPORTS: JSON.stringify({ socket: socket(), token, host: "host1" }) });

  const addressOf = async (address: string) =>
    (await server.admin.call(getAddress, { params: { ip: address } })).body.address;
  const stateOf = async (address: string): Promise<string> => {
    try {
      const { state, condition } = await addressOf(address);
      return `${state} ${condition}`;
    } catch {
      return "none";
    }
  };
  /** What the main job does when it has chosen a rack, and when it moves an instance. */
  const reserve = (address: string, instance: string) =>
    database.server.query(
      `UPDATE ipam_addresses SET state = 'reserved', owner_kind = 'instance', owner = $2, nic = 'eth0', generation = 1, act = 'test', actor = 'test'
       WHERE ip = $1::inet`,
      [address, instance],
    );
  const renew = (address: string, generation: number) =>
    database.server.query(
      "UPDATE ipam_addresses SET generation = $2, act = 'test', actor = 'test' WHERE ip = $1::inet",
      [address, generation],
    );
  const sequenceOf = async (): Promise<number> => {
    const [row] = await database.server.query<{ sequence: number }>(
      "SELECT sequence FROM ipam_host_reports WHERE host = 'host1'",
    );
    return row?.sequence ?? 0;
  };
  const reportOf = async () =>
    (await host.status())["reports"] as { failure: string | null; refusals: { code: string }[] };

  it("bind an address when its pod has it, and hold it when the pod is gone", async () => {
    await reserve(ip, "app-0");
    assert.equal((await host.cni("ADD", "one", { netns: space(), args: podArgs(app) })).status, 0);
    await until("bound", async () => (await stateOf(ip)) === "bound usable");
    assert.deepEqual((await addressOf(ip)).binding, { podUid: app.uid, containerId: "one", host: "host1" });
    await host.cni("DEL", "one");
    await until("held", async () => (await stateOf(ip)) === "held usable");
  });

  it("wait while no server can be reached, keep no pod from starting, and tell all when one can", async () => {
    await closeWay();
    assert.equal((await host.cni("ADD", "two", { netns: space(), args: podArgs(app) })).status, 0);
    await until("the failure is told", async () => (await reportOf()).failure !== null);
    assert.equal(await stateOf(ip), "held usable");
    await host.kill();
    await startAgent();
    await openWay();
    await until("bound", async () => (await stateOf(ip)) === "bound usable");
    assert.equal((await reportOf()).failure, null);
  });

  it("go on after a restart with what the host has, under a later number", async () => {
    const before = await sequenceOf();
    await host.kill();
    await startAgent();
    await until("a later report", async () => (await sequenceOf()) > before);
    assert.equal(await stateOf(ip), "bound usable");
  });

  it("go on above the number that the server has had when the host's disk is new", async () => {
    await host.cni("DEL", "two");
    await until("held", async () => (await stateOf(ip)) === "held usable");
    await database.server.query("UPDATE ipam_host_reports SET sequence = 1000000 WHERE host = 'host1'");
    await host.kill();
    rmSync(join(host.folder, "state"), { recursive: true });
    await startAgent();
    assert.equal((await host.cni("ADD", "three", { netns: space(), args: podArgs(app) })).status, 0);
    await until("bound", async () => (await stateOf(ip)) === "bound usable");
    assert.ok((await sequenceOf()) > 1_000_000);
  });

  it("mark an address that somebody else answers for, once: what a person clears stays clear", async () => {
    const taken = "10.9.1.40";
    const late = instancePod("late-0", [{ area: "core", host: 40 }]);
    await reserve(taken, "late-0");
    host.setPods([app, late]);
    host.run(host.spaces.vm, "ip", "addr", "add", `${taken}/24`, "dev", "eth0");
    assert.equal((await host.cni("ADD", "late", { netns: space(), args: podArgs(late) })).output?.["code"], 100);
    await until("marked", async () => (await stateOf(taken)) === "reserved conflict");
    host.run(host.spaces.vm, "ip", "addr", "del", `${taken}/24`, "dev", "eth0");
    await server.admin.call(ipamOperations[5], { params: { ip: taken }, reason: "the VM is put right" });
    const before = await sequenceOf();
    await until("another report", async () => (await sequenceOf()) > before);
    assert.equal(await stateOf(taken), "reserved usable");
    assert.equal((await host.cni("ADD", "late2", { netns: space(), args: podArgs(late) })).status, 0);
    await until("bound", async () => (await stateOf(taken)) === "bound usable");
    await host.cni("DEL", "late2");
  });

  it("take an old pod off the network when the ledger has given its addresses anew", async () => {
    assert.equal(host.ourLinks().length, 1);
    await renew(ip, 2);
    await until("its port is gone", async () => host.ourLinks().length === 0);
    assert.deepEqual((await host.status()).attachments, []);
    assert.match(host.log(), /three\/eth0 is an old pod's: taken off the network/);
  });

  it("cut nothing for an address that the ledger does not know to be the pod's: it may be the ledger that is wrong", async () => {
    const other = instancePod("other-0", [{ area: "core", host: 50 }]);
    host.setPods([app, other]);
    assert.equal((await host.cni("ADD", "other", { netns: space(), args: podArgs(other) })).status, 0);
    await until("the refusal is told", async () =>
      (await reportOf()).refusals.some(({ code }) => code === "not-owner"),
    );
    const before = await sequenceOf();
    await until("two more reports", async () => (await sequenceOf()) > before + 1);
    assert.equal(host.ourLinks().length, 1);
    assert.equal(await stateOf("10.9.1.50"), "free usable");
  });
});
