import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { createClient, ProblemError, type Problem } from "@wcs/api";
import { ipamOperations, type Address } from "@wcs/api/ipam";
import { healthOperations } from "@wcs/api/health";
import { macOfAddress, wayOutOf } from "@wcs/core/ipam";
import type { Grant } from "@wcs/core/access-rights";
import type { Principal } from "../access/principal.ts";
import { transaction, type Transaction } from "../database/transaction.ts";
import type { Route } from "../http/route.ts";
import { systemContext } from "../testing/system-context.ts";
import { startTestPostgres, type TestDatabase, type TestPostgres } from "../testing/test-postgres.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { addressOfText } from "./address-row.ts";
import { compareLedger } from "./compare-ledger.ts";
import { hostReportRoutes } from "./host-report-routes.ts";
import { ipActRoutes } from "./ip-acts.ts";
import { ipReadRoutes } from "./ip-routes.ts";
import { reserveAddresses } from "./index.ts";
import { demandOf, retail, syncTwoRacks, syncWideRack } from "./testing/two-racks.ts";

const [list, get, assign, release, block, clear, importInUse, usage] = ipamOperations;
const send = ipamOperations[11];

describe("the ledger's API", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  before(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    await act(syncTwoRacks);
    await act((tx) => reserveAddresses(tx, [demandOf("a-1", "r1-core", "r1-dmz")]));
    await act((tx) =>
      reserveAddresses(tx, [{ ...demandOf("b-1", "r2-core"), scope: { ...retail, business: "cards" } }]),
    );
    // The estate does not have these subnets: what is in use in each keeps the server from forgetting it.
    await act((tx) => reserveAddresses(tx, [demandOf("keeper", "r2-dmz")]));
    server = await startTestServer(database);
  });
  after(async () => {
    await server.stop();
    await postgres.stop();
  });
  const act = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
    transaction(database.server, { context: systemContext }, work);
  const because = (reason: string) => ({ idempotencyKey: crypto.randomUUID(), reason });
  const problemOf = async (work: Promise<unknown>): Promise<Problem> => {
    const error: unknown = await work.catch((error: unknown) => error);
    assert.ok(error instanceof ProblemError, String(error));
    return error.problem;
  };

  it("lists addresses by rack, area, state and owner, page by page", async () => {
    const all: Address[] = [];
    let cursor: string | undefined;
    do {
      const query = { limit: 7, ...(cursor === undefined ? {} : { cursor }) };
      const { body } = await server.admin.call(list, { query });
      all.push(...body.items);
      cursor = body.next ?? undefined;
    } while (cursor !== undefined);
    assert.equal(all.length, 40);
    assert.equal(new Set(all.map(({ ip }) => ip)).size, 40);
    const some = await server.admin.call(list, { query: { rack: "r1", area: "dmz", state: "reserved" } });
    assert.deepEqual(
      some.body.items.map(({ ip, owner }) => [ip, owner?.name]),
      [["10.71.129.100", "a-1"]],
    );
    assert.equal((await server.admin.call(list, { query: { owner: "b-1" } })).body.items.length, 1);
    const bad = await problemOf(server.admin.call(list, { query: { state: "lost" as never } }));
    assert.equal(bad.code, "request.invalid");
  });

  it("counts by subnet, rack and area", async () => {
    const { body } = await server.admin.call(usage, { query: { rack: "r1" } });
    assert.deepEqual(
      body.items.map(({ subnet, fixed, free, reserved, dynamic }) => [subnet, fixed, free, reserved, dynamic]),
      [
        ["r1-core", 10, 9, 1, 80],
        ["r1-dmz", 10, 9, 1, 0],
      ],
    );
  });

  it("lets people block, clear, assign and release by hand, with a reason, and keeps who and why", async () => {
    const ip = "10.71.1.105";
    const params = { ip };
    const noReason = await problemOf(server.admin.call(block, { params, idempotencyKey: crypto.randomUUID() }));
    assert.equal(noReason.code, "act.reason-required");
    await server.admin.call(block, { params, ...because("the switch port is being moved") });
    const device = { kind: "device", name: "f5-01" } as const;
    const refused = await problemOf(server.admin.call(assign, { params, body: device, ...because("for the F5") }));
    assert.deepEqual([refused.code, refused.errors?.[0]?.code], ["ipam.refused", "not-usable"]);
    await server.admin.call(clear, { params, ...because("moved") });
    const assigned = await server.admin.call(assign, { params, body: device, ...because("for the F5") });
    assert.deepEqual(assigned.body.owner, { kind: "device", name: "f5-01", nic: "net0" });
    const { generation } = assigned.body;
    const stale = { params, body: { expectedGeneration: generation - 1 }, ...because("gone") };
    assert.equal((await problemOf(server.admin.call(release, stale))).errors?.[0]?.code, "stale-generation");
    await server.admin.call(release, {
      params,
      body: { expectedGeneration: generation },
      ...because("the F5 is gone"),
    });
    const { body } = await server.admin.call(get, { params });
    assert.deepEqual(
      body.history.map(({ act, state, condition, reason }) => [act, state, condition, reason]),
      [
        ["ips.release", "cooling", "usable", "the F5 is gone"],
        ["ips.assign", "reserved", "usable", "for the F5"],
        ["ips.clear", "free", "usable", "moved"],
        ["ips.block", "free", "blocked", "the switch port is being moved"],
      ],
    );
    const audited = await database.server.query<{ act: string }>(
      "SELECT entry::jsonb ->> 'act' AS act FROM audit_entries WHERE kind = 'IP' AND name = $1 ORDER BY at",
      [ip],
    );
    assert.deepEqual(
      audited.map(({ act }) => act),
      ["ips.block", "ips.clear", "ips.assign", "ips.release"],
    );
    const unknown = await problemOf(server.admin.call(block, { params: { ip: "10.99.0.1" }, ...because("x") }));
    assert.equal(unknown.code, "resource.not-found");
  });

  it("enters addresses in use: all, or none with every problem named", async () => {
    const vm = (name: string) => ({ kind: "vm", name, business: "retail" }) as const;
    const addresses = [
      { ip: "10.71.1.11", owner: vm("v1") },
      { ip: "10.71.1.100", owner: vm("v2") },
      { ip: "192.0.2.1", owner: vm("v3") },
    ];
    const problem = await problemOf(server.admin.call(importInUse, { body: { addresses }, ...because("VMs") }));
    assert.deepEqual(
      problem.errors?.map(({ pointer, code }) => [pointer, code]),
      [
        ["/addresses/1", "not-free"],
        ["/addresses/2", "unknown-address"],
      ],
    );
    assert.equal(
      (await problemOf(server.admin.call(get, { params: { ip: "10.71.1.11" } }))).code,
      "resource.not-found",
    );
    const { body } = await server.admin.call(importInUse, {
      body: { addresses: addresses.slice(0, 1) },
      ...because("VMs"),
    });
    assert.equal(body.imported, 1);
    assert.equal((await server.admin.call(get, { params: { ip: "10.71.1.11" } })).body.address.state, "bound");
  });

  it("takes a host's report and tells it what it may not have", async () => {
    const { body: one } = await server.admin.call(get, { params: { ip: "10.71.1.100" } });
    const pod = { mac: macOfAddress(addressOfText("10.71.1.100")), nic: "eth0", podUid: "pod-a", containerId: "c" };
    const entry = { ip: "10.71.1.100", instance: "a-1", generation: one.address.generation, ...pod };
    const other = { ...entry, ip: "10.71.2.100", instance: "a-1" };
    const report = { sequence: 1, grantGeneration: null, addresses: [entry, other], conflicts: [] };
    const { body } = await server.admin.call(send, { params: { host: "h1" }, body: report });
    assert.deepEqual(
      body.refusals.map(({ ip, code }) => [ip, code]),
      [["10.71.2.100", "not-owner"]],
    );
    const { address, history } = (await server.admin.call(get, { params: { ip: "10.71.1.100" } })).body;
    assert.deepEqual([address.state, address.binding?.host, history[0]?.actor], ["bound", "h1", "agent-h1"]);
  });

  it("lists what ledger and hosts differ in, each with a way out in the language that was asked for", async () => {
    await compareLedger(database.server, { context: systemContext, annotations: async () => [] });
    const found = async (language: string) => {
      const client = createClient({ baseUrl: server.url, token: server.token, language });
      const { items } = (await client.call(ipamOperations[8], { query: {} })).body;
      return items.filter(({ host }) => host === "h1").map(({ kind, ip, wayOut }) => [kind, ip, wayOut]);
    };
    const kinds = [
      ["wrong-mac", "10.71.2.100"],
      ["wrong-owner", "10.71.2.100"],
    ] as const;
    for (const language of ["en", "zh"] as const) {
      assert.deepEqual(
        await found(language),
        kinds.map(([kind, ip]) => [kind, ip, wayOutOf(kind, ip)[language]]),
      );
    }
  });

  it("has the free addresses in its metrics", async () => {
    const response = await server.admin.open(healthOperations[2], {});
    const text = await response.text();
    assert.match(text, /wcs_ipam_addresses\{rack="r1",area="dmz",subnet="r1-dmz",state="free"\} 9/);
    assert.match(text, /wcs_ipam_dynamic_addresses\{rack="r1",area="core",subnet="r1-core",state="free"\} 80/);
  });

  describe("to a business", () => {
    const grant: Grant = {
      effect: "allow",
      verbs: ["*"],
      resources: ["*"],
      businesses: ["cards"],
      environments: null,
      dcnGroups: null,
    };
    const cards: Principal = { kind: "Person", name: "carol", tokenId: "t", grants: [grant], tokenScope: null };
    const ask = async (id: string, request: object): Promise<unknown> => {
      const { platform } = server.running;
      const routes: readonly Route[] = [...ipReadRoutes(platform), ...ipActRoutes(), ...hostReportRoutes(platform)];
      const route = routes.find(({ operation }) => operation.id === id);
      const whole = { params: {}, query: {}, principal: cards, from: "local", requestId: "r", ...request } as never;
      if (route?.type === "read") return (await route.handle(whole)).body;
      if (route?.type !== "act") throw new Error(`no route ${id}`);
      const context = { ...systemContext, reason: "mine" };
      return transaction(database.server, { context }, async (tx) => (await route.handle(whole, tx, undefined)).body);
    };

    it("shows its own addresses and nothing of another's, nor of what is free", async () => {
      const { items } = (await ask("ips.list", {})) as { items: readonly Address[] };
      assert.deepEqual(
        items.map(({ ip }) => ip),
        ["10.71.2.100"],
      );
      for (const ip of ["10.71.1.100", "10.71.1.101", "10.99.0.1"]) {
        await assert.rejects(ask("ips.get", { params: { ip } }), /is not there, or you may not see it/, ip);
      }
      assert.deepEqual(await ask("subnet-usage.list", {}), { items: [] });
    });

    it("shows of an address's history only what was its own", async () => {
      const ip = "10.71.2.100";
      await database.owner.query("UPDATE ipam_history SET business = 'retail' WHERE ip = $1", [ip]);
      const { history } = (await ask("ips.get", { params: { ip } })) as { history: readonly unknown[] };
      assert.deepEqual(history, []);
    });

    it("refuses to act on another's or on nobody's", async () => {
      for (const ip of ["10.71.1.100", "10.71.1.103", "10.99.0.1"]) {
        await assert.rejects(ask("ips.block", { params: { ip } }), /is not there, or you may not see it/, ip);
      }
      await assert.rejects(
        ask("ips.assign", { params: { ip: "10.71.1.103" }, body: { kind: "vm", name: "v", business: "cards" } }),
        /not there/,
      );
    });

    it("refuses an agent that speaks for another host", async () => {
      const agent = { ...cards, kind: "ServiceAccount", name: "agent-h1", grants: [{ ...grant, businesses: null }] };
      const body = { sequence: 9, grantGeneration: null, addresses: [], conflicts: [] };
      await assert.rejects(
        ask("host-reports.send", { principal: agent, params: { host: "h2" }, body }),
        /may not report/,
      );
    });
  });
});

describe("a server killed while people assign addresses", () => {
  it("has done once what it acknowledged, and does once what is sent again", async () => {
    const postgres = await startTestPostgres();
    const database = await postgres.createDatabase();
    const state = mkdtempSync(join(tmpdir(), "wcs-killed-"));
    let child: ChildProcess | undefined;
    let token = "";
    const start = async (): Promise<string> => {
      const url = (access: TestDatabase["access"]["server"]): string => {
        const { user, password, host, database: name } = access;
        return `postgres://${user}:${encodeURIComponent(password)}@/${name}?host=${encodeURIComponent(host)}`;
      };
      const started = spawn(process.execPath, [`${import.meta.dirname}/../program/main.ts`], {
        env: {
          ...process.env,
          WCS_LISTEN: "127.0.0.1:0",
          WCS_STATE_DIR: state,
          WCS_DATABASE_URL: url(database.access.server),
          WCS_DATABASE_OWNER_URL: url(database.access.owner),
          WCS_REQUESTS_PER_MINUTE: "1000000",
          WCS_LOG_LEVEL: "warn",
        },
        stdio: ["ignore", "ignore", "pipe"],
      });
      child = started;
      for await (const line of createInterface({ input: started.stderr })) {
        token = /^ {2}(wcs_\S+)$/.exec(line)?.[1] ?? token;
        const listens = /^WCS listens on (\S+)$/.exec(line)?.[1];
        if (listens !== undefined) return listens;
      }
      throw new Error("the server ended before it listened");
    };
    try {
      await transaction(database.server, { context: systemContext }, (tx) => syncWideRack(tx, 400));
      // The estate does not have these subnets: what is in use there keeps the server from forgetting them.
      await transaction(database.server, { context: systemContext }, (tx) =>
        reserveAddresses(tx, [demandOf("keeper", "wide", "wide-dmz")]),
      );
      const orders = Array.from({ length: 300 }, (_, index) => ({
        params: { ip: `10.80.${(index + 2) >> 8}.${(index + 2) & 255}` },
        body: { kind: "vm", name: `v${index}` } as const,
        reason: "test",
        idempotencyKey: crypto.randomUUID(),
      }));
      const done = new Map<string, number>();
      for (let life = 0; done.size < orders.length; life += 1) {
        assert.ok(life < 50, "no progress");
        const client = createClient({ baseUrl: await start(), token });
        const left = orders.filter(({ idempotencyKey }) => !done.has(idempotencyKey));
        const started = child;
        const killed = new Promise((resolve) => {
          started?.once("exit", resolve);
        });
        const acknowledged = done.size;
        let sent = 0;
        const worker = async (): Promise<void> => {
          for (let order = left[sent++]; order !== undefined; order = left[sent++]) {
            const answer = await client.call(assign, order).catch(() => null);
            if (answer === null) return;
            done.set(order.idempotencyKey, answer.body.generation);
            if (life < 4 && done.size >= acknowledged + 20 + life * 13) started?.kill("SIGKILL");
          }
        };
        await Promise.all(Array.from({ length: 20 }, worker));
        started?.kill("SIGKILL");
        await killed;
      }
      const rows = await database.server.query<{ owner: string; generation: number; version: number }>(
        "SELECT owner, generation, version FROM ipam_addresses WHERE owner_kind = 'vm'",
      );
      assert.equal(rows.length, orders.length);
      assert.ok(
        rows.every(({ version }) => version === 1),
        "assigned once",
      );
      const generations = new Map(rows.map(({ owner, generation }) => [owner, generation]));
      for (const { idempotencyKey, body } of orders) {
        assert.equal(done.get(idempotencyKey), generations.get(body.name), `${body.name} was told something else`);
      }
      const [{ audited } = { audited: 0 }] = await database.server.query<{ audited: number }>(
        "SELECT count(*) AS audited FROM audit_entries WHERE kind = 'IP'",
      );
      assert.equal(audited, orders.length);
    } finally {
      child?.kill("SIGKILL");
      await postgres.stop();
      rmSync(state, { recursive: true, force: true });
    }
  });
});
