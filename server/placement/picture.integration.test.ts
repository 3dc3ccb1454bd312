import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { NodeState } from "@wcs/core/cluster";
import { inspect } from "node:util";
import { changeEstate } from "@wcs/api/estate";
import { parseEstateFile } from "@wcs/core/estate";
import { planPlacement, poolDetail, type PlacementRequest } from "@wcs/core/placement";
import type { ClusterLink } from "../cluster/cluster-link.ts";
import type { ClusterLinks, ClusterListener } from "../cluster/cluster-links.ts";
import type { OtherRoom } from "../cluster/other-pods.ts";
import { transaction } from "../database/transaction.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { reserveAddresses, retireInstances } from "../ipam/index.ts";
import { bankEstate } from "../estate/testing/bank-estate.ts";
import {
  startTestPostgres,
  startTestServer,
  type TestDatabase,
  type TestPostgres,
  type TestServer,
} from "../testing/index.ts";
import { systemContext } from "../testing/system-context.ts";
import { createPicture, type Picture } from "./picture.ts";

/** The links of a server whose clusters say what the test wants; everything else of a link is not asked for. */
function simulatedLinks() {
  const nodes = new Map<string, Pick<NodeState, "allocatable" | "ready" | "schedulable">>();
  const others = new Map<string, OtherRoom>();
  const listeners = new Set<ClusterListener>();
  const seen = { reachable: true, stale: false };
  const none: OtherRoom = { cpuMilli: 0, memoryMiB: 0, diskGiB: 0, pods: 0 };
  const status = () => ({ synced: true, stale: seen.stale });
  const links = ["idc1-c1", "idc2-c1"].map((name) => ({
    name,
    health: () => ({ reachable: seen.reachable }),
    nodes: { get: (node: string) => nodes.get(node), status },
    others: { on: (node: string) => others.get(node) ?? none, status },
  })) as unknown as ClusterLink[];
  const tell = (node: string): void => {
    const cluster = `${node.slice(0, 4)}-c1`;
    for (const { onNode } of listeners) onNode?.(cluster, { key: node, before: undefined, after: undefined });
  };
  return {
    seen,
    setNode: (node: string, state: Partial<NodeState> | null) => {
      const usual = { allocatable: { cpu: "32", memory: "64Gi", pods: "110" }, ready: true, schedulable: true };
      if (state === null) nodes.delete(node);
      else nodes.set(node, { ...usual, ...state });
      tell(node);
    },
    setOthers: (node: string, room: Partial<OtherRoom>) => {
      others.set(node, { ...none, ...room });
      for (const { onOthers } of listeners) onOthers?.(`${node.slice(0, 4)}-c1`, node);
    },
    links: {
      get: (name: string) => links.find((link) => link.name === name),
      all: () => links.values(),
      listen: (listener: ClusterListener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    } as unknown as ClusterLinks,
  };
}

const question = (count: number): PlacementRequest => ({
  items: [{ subsystem: "0202", class: "4C8G", areas: ["core"], counts: { "1C1": count } }],
});

describe("the picture of placement", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  let picture: Picture;
  const clusters = simulatedLinks();
  const documents = parseEstateFile(
    bankEstate.replace(
      "quotas: { retail:",
      "quotas: { cards: { guarantee: { cpuMilli: 0, memoryMiB: 0 }, limit: { cpuMilli: 900000, memoryMiB: 900000 } }, retail:",
    ),
  ).documents.map(({ value }) => value);
  before(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    server = await startTestServer(database);
    picture = anotherPicture();
    clusters.setNode("idc1-h1", {});
    clusters.setNode("idc2-h1", {});
  });
  after(async () => {
    await picture?.close();
    await server?.stop();
    await postgres?.stop();
  });

  // With metrics of its own: the server has a picture, too.
  const anotherPicture = () => {
    const { database, log } = server.running.platform;
    // An error is what it heals by making itself anew: here there is nothing to heal.
    const error = (facts: object, message?: string) => assert.fail(`${message}: ${inspect(facts)}`);
    return createPicture({ database, metrics: createMetrics(), log: { ...log, error } }, clusters.links);
  };
  const put = async (changed: readonly unknown[]) =>
    server.admin.call(changeEstate, { ticket: "CHG-1", body: { documents: [...changed] } });
  const plan = (count: number) => picture.ask((world) => planPlacement(world, question(count)));
  const cpuOf = () => picture.ask((world) => poolDetail(world, "shared-1").capacity.cpuMilli);

  it("has what the estate has just become, with a rack, a pool and a host more", async () => {
    assert.equal(await picture.ask((world) => world.hosts.names.ids.length), 0);
    await put(documents);
    assert.equal(await cpuOf(), 64_000);
    const host = documents.find((each) => (each as { name: string }).name === "idc1-h1") as { spec: object };
    const more = [2, 3].map((n) => ({
      kind: "Host",
      name: `idc1-h${n}`,
      spec: { ...host.spec, addresses: { core: `10.71.1.${n}` } },
    }));
    await put(more);
    assert.deepEqual(await picture.check(), []);
    assert.equal(await cpuOf(), 64_000 + 64_000);
    await put([{ ...more[1], spec: { ...more[1]!.spec, state: "offline" } }]);
    assert.equal(await cpuOf(), 96_000);
    assert.deepEqual(await picture.check(), []);
  });

  it("takes nothing new where the node is away or not one of its cluster's, and gives nobody what other pods request", async () => {
    for (let waited = 0; (await plan(1)).outcome !== "plan" && waited < 200; waited += 1) {
      await new Promise((done) => setTimeout(done, 50));
    }
    const fits = () => picture.ask((world) => poolDetail(world, "shared-1").fragmentation[0]!.fits);
    assert.equal(await fits(), 16, "idc1-h2 and idc1-h3 are no nodes of their cluster");
    clusters.setNode("idc1-h2", {});
    assert.equal(await fits(), 24);
    clusters.setOthers("idc1-h2", { cpuMilli: 2_500, memoryMiB: 1024, pods: 6 });
    assert.equal(await fits(), 23, "29.5 of 32 cores are left there");
    clusters.setOthers("idc1-h2", {});
    clusters.setNode("idc1-h2", { ready: false });
    assert.equal(await fits(), 16);
    clusters.setNode("idc1-h2", { schedulable: false });
    assert.equal(await fits(), 16);
    clusters.setNode("idc1-h2", { allocatable: { cpu: "30500m", memory: "60Gi", pods: "110" } });
    assert.equal(await fits(), 23);
    assert.deepEqual(await picture.check(), []);
  });

  it("has nothing placed on a cluster that is out of reach or whose nodes are told late, and the plan says so", async () => {
    for (const trouble of [{ reachable: false }, { stale: true }]) {
      Object.assign(clusters.seen, trouble);
      const refusal = await plan(1);
      assert.ok(refusal.outcome === "refusal");
      assert.match(refusal.notes.map(({ en }) => en).join(), /idc1-c1 has not been heard of/);
      Object.assign(clusters.seen, { reachable: true, stale: false });
      assert.equal((await plan(1)).outcome, "plan");
    }
  });

  it("is the same as one made anew while others deliver, move, retire and undo, and gives the same plan byte for byte", async () => {
    const { server: shared } = database;
    const stop = new AbortController();
    let questions = 0;
    const asking = (async () => {
      while (!stop.signal.aborted) {
        await plan(2);
        questions += 1;
      }
    })();
    await Promise.all(Array.from({ length: 6 }, (_, writer) => churn(shared, writer)));
    const checks = await picture.check();
    stop.abort();
    await asking;
    assert.deepEqual(checks, []);
    assert.ok(questions > 20, `${questions} questions were asked meanwhile`);
    const other = anotherPicture();
    const anew = await other.ask((world) => planPlacement(world, question(9)));
    await other.close();
    assert.equal(JSON.stringify(await plan(9)), JSON.stringify(anew));
    assert.ok(anew.outcome === "plan");
  });

  it("is made anew when it has slept for longer than changes are kept", async () => {
    const asleep = anotherPicture();
    await asleep.ask(() => undefined);
    await churn(database.server, 7);
    await database.owner.query(
      "WITH last AS (SELECT max(xid) AS xid FROM placement_changes), gone AS (DELETE FROM placement_changes) UPDATE placement_change_log SET pruned_xid = xid FROM last",
    );
    const names = await asleep.ask(
      (world) => [...world.instances.names.keys()].filter((name) => name.startsWith("w7-")).length,
    );
    assert.ok(names > 0);
    assert.deepEqual(await asleep.check(), []);
    await asleep.close();
  });
});

/** Delivers instances with addresses, moves some, retires some, and undoes a third of it, in transactions that overlap those of others. */
async function churn(database: TestDatabase["server"], writer: number): Promise<void> {
  const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
  for (let round = 0; round < 12; round += 1) {
    const name = `w${writer}-${round}`;
    await transaction(database, { context: systemContext, dryRun: (writer + round) % 3 === 0 }, async (tx) => {
      await tx.query("SELECT pg_current_xact_id()");
      await pause(((writer * 7 + round * 5) % 11) * 2);
      const scope = { business: "cards", environment: "production", dcnGroup: "1C" };
      const nics = [{ nic: "eth0", subnet: "idc1-r1-core" }];
      await tx.query(
        `INSERT INTO requests (id, subsystem, business, environment, body, plan, plan_hash, state, requester)
         VALUES ($1, '0202', 'cards', 'production', '{}', '{}', '', 'delivered', 'test')`,
        [name],
      );
      await reserveAddresses(tx, [{ instance: name, subsystem: "0202", scope, nics }]);
      await tx.query(
        `INSERT INTO instances (name, number, subsystem, business, dcn, dcn_group, environment, idc, cluster, rack, host, node, pool,
           class, lifetime, borrowed, nics, wish, state, state_reason, request)
         VALUES ($1, 1, '0202', 'cards', '1C1', '1C', 'production', 'idc1', 'idc1-c1', 'idc1-r1', 'idc1-h1', 'idc1-h1', 'shared-1',
           '4C8G', 'long-term', false, '[{"subnet": "idc1-r1-core"}]', 'run', 'delivered', '', $1)`,
        [name],
      );
    });
    await transaction(database, { context: systemContext, dryRun: round % 5 === 1 }, async (tx) => {
      await tx.query("UPDATE instances SET host = 'idc1-h2', version = version + 1 WHERE name = $1", [
        `w${writer}-${round - 2}`,
      ]);
      await tx.query("UPDATE instances SET wish = 'retire' WHERE name = $1", [`w${writer}-${round - 3}`]);
      await pause((round % 4) * 3);
    });
    if (round % 2 === 0) continue;
    await transaction(database, { context: systemContext }, async (tx) => {
      const rows = await tx.query<{ name: string }>(
        "UPDATE instances SET retired_at = now(), state = 'retired' WHERE name = $1 AND wish = 'retire' RETURNING name",
        [`w${writer}-${round - 3}`],
      );
      await retireInstances(
        tx,
        rows.map(({ name }) => name),
      );
    });
  }
}
