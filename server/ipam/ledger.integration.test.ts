import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { macOfAddress, type HostReport } from "@wcs/core/ipam";
import { transaction, type Transaction } from "../database/transaction.ts";
import { Failure } from "../http/failure.ts";
import { systemContext } from "../testing/system-context.ts";
import { startTestPostgres, type TestDatabase, type TestPostgres } from "../testing/test-postgres.ts";
import { addressOfText, type AddressRow } from "./address-row.ts";
import { collectLeaks } from "./collect-leaks.ts";
import { compareLedger } from "./compare-ledger.ts";
import { takeReport, type ReportAnswer } from "./host-reports.ts";
import {
  dynamicBlockGrantOf,
  forgetSubnet,
  letGoOfPods,
  networkAnnotationsOf,
  renewInstances,
  reserveAddresses,
  retireInstances,
  sizeHostBlocks,
  subnetUsage,
  syncOccupied,
  syncSubnet,
} from "./index.ts";
import { reclaimAddresses } from "./reclaim-addresses.ts";
import { demandOf, retail, syncTwoRacks } from "./testing/two-racks.ts";

describe("the ledger in PostgreSQL", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let sequence = 0;
  before(async () => {
    postgres = await startTestPostgres();
  });
  after(() => postgres.stop());
  beforeEach(async () => {
    database = await postgres.createDatabase();
    await act(syncTwoRacks);
  });

  const act = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
    transaction(database.server, { context: systemContext }, work);
  const rowOf = async (ip: string): Promise<AddressRow> => {
    const [row] = await database.server.query<AddressRow>("SELECT * FROM ipam_addresses WHERE ip = $1::inet", [ip]);
    assert.ok(row !== undefined);
    return row;
  };
  const statesOf = async (ip: string): Promise<readonly string[]> => {
    const rows = await database.server.query<{ state: string; condition: string }>(
      "SELECT state, condition FROM ipam_history WHERE ip = $1::inet ORDER BY version",
      [ip],
    );
    return rows.map(({ state, condition }) => (condition === "usable" ? state : `${state} ${condition}`));
  };
  const pass = (ms: number): Promise<unknown> =>
    database.server.query(
      `UPDATE ipam_addresses SET release_at = release_at - $1 * interval '1 ms', free_at = free_at - $1 * interval '1 ms'
       WHERE release_at IS NOT NULL OR free_at IS NOT NULL`,
      [ms],
    );
  const entry = (ip: string, instance: string | null, generation: number | null, pod = `pod-${instance}`) => ({
    address: addressOfText(ip),
    mac: macOfAddress(addressOfText(ip)),
    nic: "eth0",
    instance,
    generation,
    podUid: pod,
    containerId: `c-${pod}`,
  });
  const report = (host: string, change: Partial<HostReport>): Promise<ReportAnswer> => {
    sequence += 1;
    const whole = { host, sequence, grantGeneration: null, addresses: [], conflicts: [], ...change };
    return act((tx) => takeReport(tx, whole));
  };
  const refusal = async (work: Promise<unknown>): Promise<Failure> => {
    const error: unknown = await work.then(
      () => null,
      (error: unknown) => error,
    );
    assert.ok(error instanceof Failure, String(error));
    return error;
  };

  it("gives the lowest address first, the same one again, and the annotation that goes with it", async () => {
    const [core, dmz] = await act((tx) => reserveAddresses(tx, [demandOf("a-1", "r1-core", "r1-dmz")]));
    assert.deepEqual([core?.ip, dmz?.ip], ["10.71.1.100", "10.71.129.100"]);
    assert.deepEqual(await act((tx) => reserveAddresses(tx, [demandOf("a-1", "r1-core", "r1-dmz")])), [core, dmz]);
    const annotation = (await networkAnnotationsOf(database.server.query, ["a-1"])).get("a-1");
    assert.deepEqual(
      annotation?.nics.map(({ name, address, mac, defaultRoute }) => [name, address, mac, defaultRoute]),
      [
        ["eth0", "10.71.1.100/24", "02:57:0a:47:01:64", false],
        ["eth1", "10.71.129.100/24", "02:57:0a:47:81:64", true],
      ],
    );
    assert.deepEqual(annotation?.nics[0]?.internalPrefixes, ["10.0.0.0/8"]);
  });

  it("goes through a whole life, and every step is in the history with who did it", async () => {
    const [given] = await act((tx) => reserveAddresses(tx, [demandOf("a-1", "r1-core")]));
    assert.ok(given !== undefined);
    const { ip, generation } = given;
    await report("h1", { addresses: [entry(ip, "a-1", generation)] });
    assert.equal((await rowOf(ip)).state, "bound");
    assert.equal((await refusal(act((tx) => retireInstances(tx, ["a-1"])))).code, "ipam.refused");
    await act((tx) => letGoOfPods(tx, ["pod-a-1"]));
    await report("h1", { addresses: [entry(ip, "a-1", generation, "pod-2")] });
    await report("h1", {});
    await act((tx) => retireInstances(tx, ["a-1"]));
    assert.deepEqual(await act(reclaimAddresses), { expired: 0, reclaimed: 0, more: false });
    await pass(300_000);
    assert.deepEqual(await act(reclaimAddresses), { expired: 1, reclaimed: 0, more: false });
    await pass(3_600_000);
    assert.deepEqual(await act(reclaimAddresses), { expired: 0, reclaimed: 1, more: false });
    const states = await statesOf(ip);
    // Two of the versions are the test's own passing of time.
    assert.deepEqual(states, [
      "reserved",
      "bound",
      "held",
      "bound",
      "held",
      "held",
      "held",
      "cooling",
      "cooling",
      "free",
    ]);
    const [{ versions } = { versions: 0 }] = await database.server.query<{ versions: number }>(
      "SELECT count(*) AS versions FROM ipam_history WHERE ip = $1::inet AND actor IS NOT NULL",
      [ip],
    );
    assert.equal(versions, (await rowOf(ip)).version);
    const [next] = await act((tx) => reserveAddresses(tx, [demandOf("b-1", "r1-core")]));
    assert.equal(next?.ip, "10.71.1.101", "an address that was used just now comes last");
  });

  it("gives a retired instance that returns its own address back, and nobody else", async () => {
    const [given] = await act((tx) => reserveAddresses(tx, [demandOf("a-1", "r1-core")]));
    assert.ok(given !== undefined);
    await report("h1", { addresses: [entry(given.ip, "a-1", given.generation)] });
    await report("h1", {});
    await act((tx) => retireInstances(tx, ["a-1"]));
    const [back] = await act((tx) => reserveAddresses(tx, [demandOf("a-1", "r1-core")]));
    assert.equal(back?.ip, given.ip);
    assert.ok((back?.generation ?? 0) > given.generation);
    assert.equal((await rowOf(given.ip)).retired, false);
  });

  it("refuses an exhausted subnet by rack, area and counts, and gives nothing of the whole demand", async () => {
    await act((tx) =>
      reserveAddresses(
        tx,
        Array.from({ length: 8 }, (_, index) => demandOf(`a-${index}`, "r1-core")),
      ),
    );
    const failure = await refusal(
      act((tx) =>
        reserveAddresses(
          tx,
          Array.from({ length: 3 }, (_, index) => demandOf(`b-${index}`, "r1-core", "r1-dmz")),
        ),
      ),
    );
    assert.equal(failure.code, "ipam.exhausted");
    assert.equal(
      failure.message,
      "rack r1, area core: 3 addresses of subnet r1-core are asked for, 2 of 10 are free (8 reserved)",
    );
    assert.equal(failure.errors[0]?.message, "1 more needed");
    const usage = await subnetUsage(database.server.query, { rack: "r1" });
    assert.deepEqual(
      usage.map(({ subnet, free, reserved }) => [subnet, free, reserved]),
      [
        ["r1-core", 2, 8],
        ["r1-dmz", 10, 0],
      ],
    );
  });

  it("refuses an instance that has an address in another subnet", async () => {
    await act((tx) => reserveAddresses(tx, [demandOf("a-1", "r1-core")]));
    const failure = await refusal(act((tx) => reserveAddresses(tx, [demandOf("a-1", "r2-core")])));
    assert.match(failure.message, /a-1\/eth0 has 10\.71\.1\.100 in r1-core, and is to have one in r2-core/);
  });

  it("waits for a transaction that holds the last addresses, and takes them when it is undone", async () => {
    await act((tx) =>
      reserveAddresses(
        tx,
        Array.from({ length: 9 }, (_, index) => demandOf(`a-${index}`, "r1-core")),
      ),
    );
    const undone = act(async (tx) => {
      await reserveAddresses(tx, [demandOf("b-1", "r1-core")]);
      await new Promise((resolve) => {
        setTimeout(resolve, 300);
      });
      throw new Error("undone");
    });
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
    const waiting = act((tx) => reserveAddresses(tx, [demandOf("c-1", "r1-core")]));
    await assert.rejects(undone, /undone/);
    assert.equal((await waiting)[0]?.ip, "10.71.1.109");
  });

  it("does not let the server's role rewrite history, take out an address or make an impossible one", async () => {
    const { query } = database.server;
    await act((tx) => reserveAddresses(tx, [demandOf("a-1", "r1-core")]));
    for (const statement of [
      "UPDATE ipam_history SET actor = 'x'",
      "DELETE FROM ipam_history",
      "TRUNCATE ipam_history",
      "INSERT INTO ipam_history (ip, version, state, condition, generation, retired, act, actor) VALUES ('10.71.1.101', 1, 'free', 'usable', 0, false, 'x', 'x')",
      "DELETE FROM ipam_addresses",
      "ALTER TABLE ipam_addresses DISABLE TRIGGER ALL",
    ]) {
      await assert.rejects(query(statement), /permission denied|must be owner/, statement);
    }
    const free = "UPDATE ipam_addresses SET %% WHERE ip = '10.71.1.105'";
    const taken = "UPDATE ipam_addresses SET %% WHERE ip = '10.71.1.100'";
    for (const [statement, set, why] of [
      [free, "state = 'reserved'", /owned_by_state/],
      [free, "state = 'cooling'", /can't go from free to cooling/],
      [free, "owner = 'x', owner_kind = 'vm', nic = 'n'", /owned_by_state/],
      [taken, "state = 'bound'", /binding_by_state/],
      [taken, "owner = 'other'", /can't go from a-1 straight to other/],
      [taken, "generation = 0", /generation 0 is older/],
      [taken, "state = 'free', owner = NULL, owner_kind = NULL, nic = NULL", /can't go from reserved to free/],
      [taken, "pod_uid = 'p'", /binding_/],
      [taken, "retired = true", /retired_is_held/],
      [taken, "ip = '10.71.1.99'", /can't become another/],
    ] as const) {
      await assert.rejects(query(statement.replace("%%", set)), why, set);
    }
    await assert.rejects(
      query(
        "INSERT INTO ipam_addresses (ip, subnet, in_fixed_range, act, actor) VALUES ('10.71.1.100', 'r1-core', true, 'x', 'x')",
      ),
      /ipam_addresses_pkey/,
    );
  });

  it("refuses a host an old generation, a stale pod and an address that is another's, and says so to it", async () => {
    const [given] = await act((tx) => reserveAddresses(tx, [demandOf("a-1", "r1-core")]));
    assert.ok(given !== undefined);
    const { ip, generation } = given;
    await report("h1", { addresses: [entry(ip, "a-1", generation)] });
    const [moved] = await act((tx) => renewInstances(tx, ["a-1"]));
    assert.equal(moved?.state, "held");
    const old = await report("h1", { addresses: [entry(ip, "a-1", generation)] });
    assert.deepEqual(
      old.refusals.map(({ ip, code, podUid }) => [ip, code, podUid]),
      [[ip, "stale-generation", "pod-a-1"]],
    );
    await report("h2", { addresses: [entry(ip, "a-1", moved?.generation ?? 0, "pod-2")] });
    assert.equal((await rowOf(ip)).host, "h2");
    const stranger = await report("h3", { addresses: [entry("10.71.1.105", "z-9", 1), entry("10.99.9.9", "z-8", 1)] });
    assert.deepEqual(
      stranger.refusals.map(({ code }) => code),
      ["not-owner", "unknown-address"],
    );
    assert.equal((await rowOf(ip)).host, "h2");
  });

  it("takes no notice of a late report", async () => {
    const [given] = await act((tx) => reserveAddresses(tx, [demandOf("a-1", "r1-core")]));
    assert.ok(given !== undefined);
    await report("h1", { addresses: [entry(given.ip, "a-1", given.generation)], sequence: 1000 });
    assert.equal((await report("h1", { sequence: 999 })).accepted, false);
    assert.equal((await rowOf(given.ip)).state, "bound");
  });

  it("keeps an address that somebody else answers for from being given out, and leaves it to who has it", async () => {
    const mac = "aa:bb:cc:dd:ee:ff";
    await report("h1", { conflicts: [{ address: addressOfText("10.71.1.100"), mac }] });
    const row = await rowOf("10.71.1.100");
    assert.deepEqual([row.state, row.condition], ["free", "conflict"]);
    assert.equal(row.condition_note, `${mac} answered for 10.71.1.100, host h1 saw`);
    const [given] = await act((tx) => reserveAddresses(tx, [demandOf("a-1", "r1-core")]));
    assert.equal(given?.ip, "10.71.1.101");
    await report("h1", { conflicts: [{ address: addressOfText("10.71.1.101"), mac }] });
    assert.deepEqual(await statesOf("10.71.1.101"), ["reserved", "reserved conflict"]);
    const usage = await subnetUsage(database.server.query, { subnet: "r1-core" });
    assert.deepEqual([usage[0]?.free, usage[0]?.unusable, usage[0]?.reserved], [8, 1, 1]);
  });

  it("grants hosts blocks of the dynamic range, more when few are left, and takes them back", async () => {
    const place = { host: "h1", rack: "r1", area: "core" };
    await act((tx) =>
      syncOccupied(tx, {
        kind: "vm",
        owners: ["v1"],
        occupied: [
          { ip: "10.71.1.25", owner: { kind: "vm", name: "v1", nic: "core" }, subsystem: null, scope: retail },
        ],
      }),
    );
    await act((tx) => sizeHostBlocks(tx, place));
    await act((tx) => sizeHostBlocks(tx, { ...place, host: "h2" }));
    const grant = await dynamicBlockGrantOf(database.server.query, "h1");
    assert.deepEqual(grant?.blocks, ["10.71.1.26-10.71.1.41"], "the VM's address is not in it");
    assert.deepEqual((await dynamicBlockGrantOf(database.server.query, "h2"))?.blocks, ["10.71.1.42-10.71.1.57"]);
    const used = Array.from({ length: 13 }, (_, index) => entry(`10.71.1.${26 + index}`, null, null, `p${index}`));
    await report("h1", { addresses: used, grantGeneration: grant?.generation ?? 0 });
    await act((tx) => sizeHostBlocks(tx, place));
    const more = await dynamicBlockGrantOf(database.server.query, "h1");
    assert.deepEqual(more?.blocks, ["10.71.1.26-10.71.1.41", "10.71.1.58-10.71.1.73"]);
    await report("h1", { addresses: used.slice(0, 2), grantGeneration: more?.generation ?? 0 });
    await act((tx) => sizeHostBlocks(tx, place));
    const less = await dynamicBlockGrantOf(database.server.query, "h1");
    assert.deepEqual(less?.blocks, ["10.71.1.26-10.71.1.41"]);
    assert.ok((less?.generation ?? 0) > (more?.generation ?? 0));
    const granted = async (): Promise<number | undefined> =>
      (await subnetUsage(database.server.query, { subnet: "r1-core" }))[0]?.granted;
    assert.equal(await granted(), 48, "it is the host's until the host says that it goes by the new grant");
    await report("h1", { addresses: used.slice(0, 2), grantGeneration: less?.generation ?? 0 });
    assert.equal(await granted(), 32);
    const failure = await refusal(act((tx) => sizeHostBlocks(tx, { host: "h9", rack: "r1", area: "dmz" })));
    assert.match(failure.message, /rack r1, area dmz: there is no dynamic range for host h9/);
  });

  it("enters what VMs have, names what is somebody else's, and lets go of what is gone", async () => {
    await act((tx) => reserveAddresses(tx, [demandOf("a-1", "r1-core")]));
    const vm = (ip: string, name: string) => ({
      ip,
      owner: { kind: "vm", name, nic: "core" } as const,
      subsystem: null,
      scope: retail,
    });
    const problems = await act((tx) =>
      syncOccupied(tx, {
        kind: "vm",
        owners: ["v1", "v2", "v3", "v4"],
        occupied: [vm("10.71.1.100", "v1"), vm("10.71.1.11", "v2"), vm("10.71.1.101", "v3"), vm("192.0.2.1", "v4")],
      }),
    );
    assert.deepEqual(
      problems.map(({ ip, owner }) => [ip, owner.name]),
      [
        ["192.0.2.1", "v4"],
        ["10.71.1.100", "v1"],
      ],
    );
    assert.deepEqual([(await rowOf("10.71.1.11")).state, (await rowOf("10.71.1.101")).state], ["bound", "bound"]);
    const [given] = await act((tx) => reserveAddresses(tx, [demandOf("b-1", "r1-core")]));
    assert.equal(given?.ip, "10.71.1.102");
    await act((tx) => syncOccupied(tx, { kind: "vm", owners: ["v3"], occupied: [] }));
    assert.equal((await rowOf("10.71.1.101")).state, "cooling");
  });

  it("keeps a subnet's wiring and the subnet itself while something has an address there", async () => {
    const subnet = {
      name: "r1-core",
      rack: "r1",
      area: "core",
      network: "10.71.1.0/24",
      gateway: "10.71.1.254",
      fixed: "10.71.1.105-10.71.1.112",
      dynamic: null,
      conflictProbe: true,
    };
    const [given] = await act((tx) => reserveAddresses(tx, [demandOf("a-1", "r1-core")]));
    await act((tx) => syncSubnet(tx, subnet));
    assert.equal(
      (await rowOf(given?.ip ?? "")).in_fixed_range,
      false,
      "what a smaller range leaves out stays its owner's",
    );
    const usage = await subnetUsage(database.server.query, { subnet: "r1-core" });
    assert.deepEqual([usage[0]?.fixed, usage[0]?.free], [8, 8]);
    for (const change of [{ gateway: "10.71.1.253" }, { rack: "r2" }, { area: "dmz" }]) {
      const failure = await refusal(act((tx) => syncSubnet(tx, { ...subnet, ...change })));
      assert.equal(failure.code, "ipam.subnet-in-use");
    }
    assert.equal((await refusal(act((tx) => forgetSubnet(tx, "r1-core")))).code, "ipam.subnet-in-use");
    await act((tx) => forgetSubnet(tx, "r2-core"));
    await act((tx) =>
      syncSubnet(tx, {
        ...subnet,
        name: "r3-core",
        rack: "r3",
        network: "10.71.2.0/24",
        gateway: "10.71.2.1",
        fixed: "10.71.2.100-10.71.2.101",
      }),
    );
    const overlapping = { ...subnet, name: "other", network: "10.71.2.0/25", gateway: "10.71.2.1", fixed: null };
    await assert.rejects(
      act((tx) => syncSubnet(tx, overlapping)),
      /ipam_subnets_network_excl/,
    );
  });

  it("goes on with an address's history when its subnet comes back", async () => {
    const [given] = await act((tx) => reserveAddresses(tx, [demandOf("a-1", "r2-core")]));
    assert.ok(given !== undefined);
    await act((tx) => retireInstances(tx, ["a-1"]));
    await pass(3_600_000);
    await act(reclaimAddresses);
    const { version } = await rowOf(given.ip);
    await act((tx) => forgetSubnet(tx, "r2-core"));
    await act(syncTwoRacks);
    assert.equal((await rowOf(given.ip)).version, version);
    assert.equal((await statesOf(given.ip)).length, version);
  });

  it("finds leaks, frees no held address, and leaves alone what has changed since it looked", async () => {
    const all = ["left", "vanished", "orphan", "fine", "late"].map((name) => demandOf(name, "r1-core"));
    const given = await act((tx) => reserveAddresses(tx, all));
    const of = (name: string) => given.find(({ instance }) => instance === name) ?? assert.fail(name);
    const running = ["vanished", "orphan", "fine"].map((name) => entry(of(name).ip, name, of(name).generation));
    await report("h1", { addresses: running });
    await act((tx) => letGoOfPods(tx, ["pod-orphan"]));
    const live = {
      instances: new Set(["vanished", "fine"]),
      podUids: new Set(["pod-fine"]),
      unknownHosts: new Set<string>(),
    };
    const options = { context: systemContext, graceMs: 0 };
    assert.equal(await collectLeaks(database.server, { ...options, live: async () => null }), null);
    const first = await collectLeaks(database.server, { ...options, live: async () => live });
    assert.deepEqual(first, { released: 0, held: 0, orphans: 0, suspected: 4 });
    // Between the reading of the ledger and the acting, `late` gets its pod.
    const startsLate = async () => {
      await report("h2", { addresses: [entry(of("late").ip, "late", of("late").generation)] });
      return live;
    };
    const second = await collectLeaks(database.server, { ...options, live: startsLate });
    assert.deepEqual(second, { released: 1, held: 1, orphans: 1, suspected: 4 });
    const states = await Promise.all(given.map(async ({ instance, ip }) => [instance, (await rowOf(ip)).state]));
    assert.deepEqual(Object.fromEntries(states), {
      left: "cooling",
      vanished: "held",
      orphan: "held",
      fine: "bound",
      late: "bound",
    });
  });

  it("keeps what differs between ledger, Kubernetes and hosts, since when, until it is gone", async () => {
    const [given] = await act((tx) => reserveAddresses(tx, [demandOf("a-1", "r1-core")]));
    assert.ok(given !== undefined);
    const address = addressOfText(given.ip);
    const annotation = {
      source: "template a-1",
      address,
      instance: "a-1",
      nic: "eth0",
      generation: given.generation - 1,
    };
    await report("h1", { addresses: [entry("10.71.1.21", null, null, "p")] });
    const options = { context: systemContext, annotations: async () => [annotation] };
    assert.equal(await compareLedger(database.server, options), 2);
    assert.equal(await compareLedger(database.server, options), 2);
    const kept = await database.server.query<{ kind: string; times_seen: number }>(
      "SELECT kind, times_seen FROM ipam_differences ORDER BY kind",
    );
    assert.deepEqual(kept, [
      { kind: "outside-block", times_seen: 2 },
      { kind: "stale-annotation", times_seen: 2 },
    ]);
    await report("h1", {});
    assert.equal(await compareLedger(database.server, { ...options, annotations: async () => null }), 0);
    const left = await database.server.query<{ kind: string }>("SELECT kind FROM ipam_differences");
    assert.deepEqual(
      left,
      [{ kind: "stale-annotation" }],
      "what only Kubernetes can tell stays while it can't be read",
    );
  });
});
