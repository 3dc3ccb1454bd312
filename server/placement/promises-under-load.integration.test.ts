import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ProblemError, type Client } from "@wcs/api";
import { accessOperations } from "@wcs/api/access";
import { clusterOperations } from "@wcs/api/cluster";
import { changeEstate } from "@wcs/api/estate";
import { placementOperations } from "@wcs/api/placement";
import { requestOperations } from "@wcs/api/request";
import { tokenOperations } from "@wcs/api/token";
import type { Estate, PlacementPlan, PlannedInstance } from "@wcs/core/placement";
import { checkPlan } from "@wcs/core/placement-check";
import { createKubeClient, formatKubeconfig, pods, resourceType, type KubeClient } from "@wcs/kube";
import { startControlPlane, type ControlPlane } from "@wcs/kube/testing";
import {
  startTestPostgres,
  startTestServer,
  type TestDatabase,
  type TestPostgres,
  type TestServer,
} from "../testing/index.ts";
import { simulateKubelets, type SimulatedKubelets } from "../testing/simulate-kubelets.ts";

const [listRequests, createRequest, , approveRequest, rejectRequest] = requestOperations;
const [, , addCluster] = clusterOperations;
const [, createToken] = tokenOperations;

/** The long form: `WCS_LOAD_WORKERS=200 WCS_LOAD_HOSTS=60 npm test -- integration promises-under-load`. */
const workers = Number(process.env["WCS_LOAD_WORKERS"] ?? 12);
const hostCount = Number(process.env["WCS_LOAD_HOSTS"] ?? 6);
const racks = ["idc1-r1", "idc1-r2", "idc1-r3"];
const hosts = Array.from({ length: hostCount }, (_, at) => `idc1-h${at + 1}`);
const rackOf = (host: string): string => racks[hosts.indexOf(host) % racks.length] ?? "";
const fixedIps = Math.floor(hostCount * 1.5);
const businesses = ["retail", "cards"];
const loaded = Array.from({ length: workers }, (_, at) => String(1000 + at));
/** Of one business; they go live together. */
const pair = ["8000", "8002"] as const;
const subsystems = [...loaded, ...pair];
const businessOf = (subsystem: string): string => businesses[Number(subsystem) % 2] ?? "";
const amount = (cpuMilli: number) => ({ cpuMilli, memoryMiB: cpuMilli * 2 });
/** One business is held back by its quota, the other by hosts and addresses. */
const limits: Readonly<Record<string, number>> = { retail: hostCount * 3_000, cards: hostCount * 16_000 };
const rules = { maxPerHost: 2, survival: [{ domain: "rack", of: "dcn", sharePercent: 50 }] } as const;
const room = { cpuMilli: 16_000, memoryMiB: 32_768, diskGiB: 1e9, ioMiBps: 1e9, instances: 110 };

/** The estate in the checker's words, without instances. */
const estate: Estate = {
  idcs: [{ id: "idc1" }],
  areas: [{ id: "core" }],
  clusters: [{ id: "idc1-c1", idc: "idc1", environment: "uat", state: "available", stale: false }],
  racks: racks.map((id) => ({ id, idc: "idc1", state: "available" })),
  subnets: racks.map((rack) => ({ id: `${rack}-core`, rack, area: "core", fixedIps, takenElsewhere: 0 })),
  pools: [
    {
      id: "shared-1",
      environment: "uat",
      cpuOvercommitPercent: 100,
      shares: businesses.map((business) => ({
        business,
        guarantee: amount(2_000),
        limit: amount(limits[business] ?? 0),
      })),
    },
  ],
  hosts: hosts.map((id) => ({
    id,
    rack: rackOf(id),
    cluster: "idc1-c1",
    pool: "shared-1",
    state: "available",
    labels: {},
    ioClass: "",
    allocatable: room,
    otherPods: { cpuMilli: 0, memoryMiB: 0, diskGiB: 0, ioMiBps: 0, instances: 0 },
  })),
  dcns: [{ id: "1C1", group: "1C", idc: "idc1", environment: "uat" }],
  classes: [{ id: "2C4G", cpuMilli: 2000, memoryMiB: 4096, diskGiB: 0, ioMiBps: 0 }],
  subsystems: subsystems.map((id) => ({ id, business: businessOf(id), rules })),
  vms: [],
  instances: [],
};

/** The same for the server. */
function documents(): unknown[] {
  const spec = (kind: string, name: string, spec: object = {}) => ({ kind, name, spec });
  return [
    { kind: "City", name: "shenzhen" },
    spec("IDC", "idc1", { city: "shenzhen" }),
    spec("Area", "core", { external: false }),
    ...racks.flatMap((rack, at) => [
      spec("Rack", rack, { idc: "idc1" }),
      spec("Subnet", `${rack}-core`, {
        rack,
        area: "core",
        cidr: `10.71.${at}.0/24`,
        gateway: `10.71.${at}.254`,
        fixed: `10.71.${at}.100-10.71.${at}.${99 + fixedIps}`,
      }),
    ]),
    spec("Environment", "uat", { ticketRequired: false, approvals: 1 }),
    ...businesses.map((name) => ({ kind: "Business", name })),
    ...["ann", "bob"].map((name) => spec("Person", name, { business: "retail" })),
    ...businesses.map((business) => spec("System", `${business}-core`, { business })),
    ...subsystems.map((id) =>
      spec("Subsystem", id, { system: `${businessOf(id)}-core`, importance: "A", owner: "ann", rules }),
    ),
    spec("Class", "2C4G", { cpuMilli: 2000, memoryMiB: 4096 }),
    spec("Cluster", "idc1-c1", { idc: "idc1", environment: "uat" }),
    spec("Pool", "shared-1", {
      environment: "uat",
      quotas: Object.fromEntries(
        businesses.map((each) => [each, { guarantee: amount(2_000), limit: amount(limits[each] ?? 0) }]),
      ),
    }),
    ...hosts.map((name, at) =>
      spec("Host", name, {
        rack: rackOf(name),
        cluster: "idc1-c1",
        pool: "shared-1",
        addresses: { core: `10.71.${at % racks.length}.${Math.floor(at / racks.length) + 1}` },
        capacity: { cpuMilli: 16_000, memoryMiB: 32_768 },
      }),
    ),
    spec("DCNGroup", "1C"),
    spec("DCN", "1C1", { group: "1C", idc: "idc1", environment: "uat", role: "active" }),
  ];
}

describe("promises of two servers to many clients at once", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let plane: ControlPlane;
  let kube: KubeClient;
  let kubelets: SimulatedKubelets;
  const servers: TestServer[] = [];
  // One for both: they read each other's secrets by its keys.
  const stateDirectory = mkdtempSync(join(tmpdir(), "wcs-promises-"));
  let people: Readonly<{ ann: Client; bob: Client }>[] = [];

  before(async () => {
    [postgres, plane] = await Promise.all([startTestPostgres(), startControlPlane()]);
    kube = createKubeClient({ access: plane.access, userAgent: "test" });
    kubelets = simulateKubelets(kube, { hosts });
    database = await postgres.createDatabase();
    const first = await startTestServer(database, { stateDirectory });
    servers.push(first);
    servers.push(await startTestServer(database, { stateDirectory, token: first.token }));
    const { admin } = first;
    await admin.call(changeEstate, { body: { documents: documents() } });
    const allow = [{ effect: "allow" as const, verbs: ["*"], resources: ["*"] }];
    await admin.call(accessOperations.Role.create, { body: { name: "everything", spec: { rules: allow } } });
    const subjects = ["ann", "bob"].map((name) => ({ kind: "Person" as const, name }));
    const spec = { role: "everything", subjects, businesses };
    await admin.call(accessOperations.RoleBinding.create, { body: { name: "all", spec } });
    const tokens = await Promise.all(
      ["ann", "bob"].map(async (name) => {
        const subject = { kind: "Person" as const, name };
        return (await admin.call(createToken, { body: { subject, lifetimeHours: 1 } })).body.text;
      }),
    );
    people = servers.map((server) => ({
      ann: server.clientOf(tokens[0] ?? ""),
      bob: server.clientOf(tokens[1] ?? ""),
    }));
    await admin.call(addCluster, { body: { name: "idc1-c1", kubeconfig: formatKubeconfig(plane.access) } });
    for (const server of servers) {
      await until(`${hostCount} hosts with addresses`, async () => {
        const { body } = await server.admin.call(placementOperations.getPoolUse, { params: { name: "shared-1" } });
        const addresses = body.racks.reduce((sum, { freeIps }) => sum + (freeIps["core"] ?? 0), 0);
        const fits = body.fragmentation[0]?.fits;
        return fits === hostCount * 8 && addresses === fixedIps * racks.length && (await plans(server));
      });
    }
  });
  after(async () => {
    for (const server of servers) await server.stop();
    await kubelets?.stop();
    kube?.close();
    await plane?.stop();
    await postgres?.stop();
    rmSync(stateDirectory, { recursive: true });
  });

  const items = (subsystem: string, count: number) => [
    { subsystem, class: "2C4G", areas: ["core"], counts: { "1C1": count } },
  ];
  const plans = async (server: TestServer) => {
    const { body } = await server.admin.call(placementOperations.plan, { body: { items: items("1000", 2) } });
    return body.outcome === "plan";
  };

  it("deliver several subsystems together, or none of them", async () => {
    const [{ ann }, { bob }] = [people[0]!, people[1]!];
    const item = (subsystem: string, count: number) => ({ subsystem, class: "2C4G", counts: { "1C1": count } });
    const [one, other] = pair;
    const ask = (count: number, second = item(other, 2)) =>
      ann.call(createRequest, { body: { ...item(one, count), together: [second] } });
    assert.equal(await possible(ask(2, item(other, 500))), null);
    await assert.rejects(
      ask(2, item("1001", 2)),
      /1001 is of business cards and 8000 of retail: one request is for one business/,
    );
    const { body } = await ask(2);
    const params = { id: body.id };
    const { body: delivered } = await bob.call(approveRequest, { params, body: { planHash: body.planHash } });
    assert.equal(delivered.state, "delivered");
    const rows = await database.server.query<{ subsystem: string }>(
      "SELECT subsystem FROM instances ORDER BY subsystem",
    );
    assert.deepEqual(
      rows.map(({ subsystem }) => subsystem),
      [one, one, other, other],
    );
    const { body: found } = await ann.call(listRequests, { query: { subsystem: other } });
    assert.deepEqual(
      found.items.map(({ id }) => id),
      [body.id],
    );
  });

  it("hold what they say: no host, quota or address is promised twice; who comes second plans anew", async () => {
    const seen = { delivered: 0, plannedAnew: 0, refused: 0 };
    const work = async (subsystem: string, at: number): Promise<void> => {
      for (let count = 2; count <= 12; count += 2) {
        // Whoever answers: one server plans, another delivers.
        const [asks, approves] = at % 2 === 0 ? people : people.toReversed();
        const body = { subsystem, class: "2C4G", counts: { "1C1": count } };
        const made = await possible(asks!.ann.call(createRequest, { body }));
        if (made === null) {
          seen.refused += 1;
          return;
        }
        let { planHash, state } = made;
        while (state === "awaiting-approval") {
          const params = { id: made.id };
          const approved = await possible(approves!.bob.call(approveRequest, { params, body: { planHash } }));
          if (approved === null) {
            seen.refused += 1;
            await asks!.ann.call(rejectRequest, { params, body: { why: "there is no room left" } });
            return;
          }
          if (approved.state === "awaiting-approval") seen.plannedAnew += 1;
          ({ planHash, state } = approved);
        }
        seen.delivered += 1;
      }
    };
    await Promise.all(loaded.map(work));
    assert.ok(seen.delivered >= workers / 2 && seen.refused > 0 && seen.plannedAnew > 0, JSON.stringify(seen));

    const rows = await database.server.query<InstanceRow>(
      "SELECT name, subsystem, dcn, class, host, rack, cluster, pool, idc, borrowed, nics FROM instances",
    );
    const plan: PlacementPlan = {
      outcome: "plan",
      places: rows.map(placeOf),
      removals: [],
      score: { total: 0, parts: {} },
      notes: [],
    };
    const counts = Map.groupBy(rows, ({ subsystem }) => subsystem);
    const request = { items: [...counts].flatMap(([subsystem, own]) => items(subsystem, own.length)) };
    assert.deepEqual(checkPlan(estate, request, plan), []);
    assert.ok(
      [...counts.values()].every((own) => own.length % 2 === 0),
      "a request is delivered whole or not at all",
    );

    const addresses = await database.server.query<{ ip: string; owner: string }>(
      "SELECT host(ip) AS ip, owner FROM ipam_addresses WHERE owner_kind = 'instance'",
    );
    const held = rows.flatMap(({ name, nics }) => nics.map(({ ip }) => `${ip} ${name}`));
    assert.deepEqual(addresses.map(({ ip, owner }) => `${ip} ${owner}`).sort(), held.sort());
    assert.equal(new Set(rows.flatMap(({ nics }) => nics.map(({ ip }) => ip))).size, held.length);
    console.log(`# ${JSON.stringify({ ...seen, instances: rows.length })}`);
  });

  it("are the same plan or refusal on both, byte for byte", async () => {
    for (const subsystem of loaded.slice(0, 4)) {
      for (const count of [2, 4, 20]) {
        const [one, other] = await Promise.all(
          servers.map((server) =>
            server.admin.call(placementOperations.plan, { body: { items: items(subsystem, count) } }),
          ),
        );
        assert.equal(JSON.stringify(one!.body), JSON.stringify(other!.body));
      }
    }
  });

  it("can be made again from what was stored with them, and come out the same, byte for byte", async () => {
    const rows = await database.server.query<{ id: string }>("SELECT id FROM requests ORDER BY substr(id, 3)::bigint");
    for (const { id } of rows) {
      const { body } = await servers[0]!.admin.call(placementOperations.replay, { body: { request: id } });
      assert.ok(body.same, `${id} comes out another way`);
      assert.deepEqual(body.again, body.answer);
      assert.ok(body.answer.outcome === "plan" && body.hosts === hostCount);
    }
    const [stored] = await database.server.query<{ decisions: number; parts: number }>(
      "SELECT (SELECT count(*) FROM placement_decisions) AS decisions, (SELECT count(*) FROM placement_parts) AS parts",
    );
    // A piece is kept once, however many decisions were made on it.
    assert.ok(stored!.parts < stored!.decisions * racks.length, JSON.stringify(stored));
  });

  it("leave to other pods what those request", async () => {
    const capacityOf = async (server: TestServer) => {
      const { body } = await server.admin.call(placementOperations.getPoolUse, { params: { name: "shared-1" } });
      return body.capacity.cpuMilli;
    };
    const [before] = await Promise.all(servers.map(capacityOf));
    const container = { name: "agent", image: "none", resources: { requests: { cpu: "700m", memory: "100Mi" } } };
    const accounts = resourceType("v1/serviceaccounts", "ServiceAccount", "namespaced");
    await kube.create(accounts, { metadata: { name: "default" } }, { namespace: "kube-system" });
    const spec = { nodeName: hosts[0], containers: [container], automountServiceAccountToken: false };
    await kube.create(pods, { metadata: { name: "daemon-1" }, spec }, { namespace: "kube-system" });
    for (const server of servers) {
      await until("the pod to be counted", async () => (await capacityOf(server)) === (before ?? 0) - 700);
    }
    await kube.delete(pods, { namespace: "kube-system", name: "daemon-1", gracePeriodSeconds: 0 });
    for (const server of servers) {
      await until("its room to be free again", async () => (await capacityOf(server)) === before);
    }
  });
});

type InstanceRow = Readonly<{
  name: string;
  subsystem: string;
  dcn: string;
  class: string;
  host: string;
  rack: string;
  cluster: string;
  pool: string;
  idc: string;
  borrowed: boolean;
  nics: readonly Readonly<{ area: string; subnet: string; ip: string }>[];
}>;

function placeOf({ name: _name, nics, ...place }: InstanceRow): PlannedInstance {
  return { ...place, lifetime: "long-term", nics: nics.map(({ area, subnet }) => ({ area, subnet })) };
}

/** The answer; null when what is asked for is impossible now. */
async function possible<T>(call: Promise<Readonly<{ body: T }>>): Promise<T | null> {
  try {
    return (await call).body;
  } catch (error) {
    if (error instanceof ProblemError && error.problem.code === "request.impossible") return null;
    throw error;
  }
}

async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 100) {
    if (await look()) return;
    await sleep(100);
  }
  assert.fail(`waited 60 s for ${what}`);
}
