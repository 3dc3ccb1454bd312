import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { smallEstate } from "./testing/small-estate.ts";
import {
  buildWorld,
  explainPlacement,
  planPlacement,
  reasonsAgainst,
  PlacementInputError,
  type Estate,
  type PlacementRefusal,
  type PlacementRequest,
} from "./index.ts";

function ask(estate: Estate, item: Partial<NonNullable<PlacementRequest["items"]>[number]> = {}): PlacementRefusal {
  const request = { items: [{ subsystem: "5001", class: "2C4G", areas: ["core"], counts: { "1C1": 4 }, ...item }] };
  const answer = planPlacement(buildWorld(estate), request);
  assert.equal(answer.outcome, "refusal");
  assert.ok(answer.proved && answer.minimal);
  return answer;
}

const keysOf = (refusal: PlacementRefusal) => refusal.conflict.map(({ rule, subject }) => `${rule}:${subject}`).sort();
const remediesOf = (refusal: PlacementRefusal) => refusal.remedies.map(({ text }) => text.en);

describe("a refusal names a minimal conflict and what would help", () => {
  it("when fixed addresses are short", () => {
    const estate = smallEstate();
    const subnets = estate.subnets.map((subnet, at) => ({ ...subnet, fixedIps: at === 0 ? 10 : 2 }));
    const rules = { survival: [{ domain: "rack", of: "dcn", sharePercent: 50 }] } as const;
    const refusal = ask({ ...estate, subnets }, { counts: { "1C1": 8 }, rules });
    assert.deepEqual(keysOf(refusal), ["count:5001/1C1", "fixed-ip:core", "survival:rack/dcn/50@5001"]);
    assert.ok(remediesOf(refusal).includes("2 fixed IPs more in idc1-r2/core"), remediesOf(refusal).join("\n"));
    assert.ok(remediesOf(refusal).includes("ask for 4 of 5001 in 1C1: so many fit"));
    assert.match(refusal.text.zh, /机架在网络区域 core 的空闲固定 IP 不足/);
  });

  it("when the limit of a business is reached", () => {
    const refusal = ask(smallEstate(), { counts: { "1C1": 15 }, lifetime: "temporary" });
    assert.deepEqual(keysOf(refusal), ["count:5001/1C1", "quota-limit:retail"]);
    assert.ok(remediesOf(refusal).includes("6 cores more for business retail in pool shared-1"));
    assert.ok(remediesOf(refusal).includes("ask for 12 of 5001 in 1C1: so many fit"));
  });

  it("when a long-term instance would take what is guaranteed to another, but not when it is temporary", () => {
    const estate = smallEstate();
    const pools = estate.pools.map((pool) => ({
      ...pool,
      shares: pool.shares.map((share) => ({
        ...share,
        guarantee: { cpuMilli: share.business === "cards" ? 24_000 : 8_000, memoryMiB: 32_768 },
      })),
    }));
    const refusal = ask({ ...estate, pools }, { counts: { "1C1": 5 } });
    assert.deepEqual(keysOf(refusal), ["count:5001/1C1", "quota-borrow:"]);
    const temporary = planPlacement(buildWorld({ ...estate, pools }), {
      items: [{ subsystem: "5001", class: "2C4G", areas: ["core"], counts: { "1C1": 5 }, lifetime: "temporary" }],
    });
    assert.equal(temporary.outcome, "plan");
    assert.equal(temporary.outcome === "plan" && temporary.places.filter(({ borrowed }) => borrowed).length, 1);
  });

  it("when an existing instance is in the way, and where it could go", () => {
    const estate = smallEstate();
    const instances = ["idc1-r1-h1", "idc1-r1-h2", "idc1-r2-h1", "idc1-r2-h2"].map((host, at) => ({
      id: `cards-${at}`,
      subsystem: "5002",
      dcn: "1C1",
      class: "2C4G",
      host,
      subnets: [`r${host[6]}-core`],
      lifetime: "long-term" as const,
      borrowed: false,
    }));
    const refusal = ask({ ...estate, instances }, { class: "8C8G", counts: { "1C1": 1 } });
    assert.deepEqual(keysOf(refusal), ["count:5001/1C1", "cpu:"]);
    assert.ok(remediesOf(refusal).some((text) => /^move instance cards-\d from host \S+ to host \S+$/.test(text)));
  });

  it("when a single instance must survive the loss of its rack, and says how many would", () => {
    const rules = { survival: [{ domain: "rack", of: "dcn", sharePercent: 50 }] } as const;
    const refusal = ask(smallEstate(), { counts: { "1C1": 1 }, rules });
    assert.deepEqual(keysOf(refusal), ["count:5001/1C1", "survival:rack/dcn/50@5001"]);
    assert.ok(remediesOf(refusal).some((text) => text.startsWith("ask for 2 of 5001 in 1C1")));
  });

  it("when the VMs of the subsystem crowd a rack", () => {
    const rules = { survival: [{ domain: "rack", of: "dcn", sharePercent: 50 }] } as const;
    const vms = [1, 2, 3].map(() => ({ subsystem: "5001", dcn: "1C1", rack: "idc1-r1" }));
    const refusal = ask(smallEstate({ vms }), { counts: { "1C1": 2 }, rules });
    assert.deepEqual(keysOf(refusal), ["count:5001/1C1", "survival:rack/dcn/50@5001"]);
    assert.ok(remediesOf(refusal).some((text) => text.startsWith("ask for 3 of 5001 in 1C1")));
  });

  it("when the only cluster is stale, and says so", () => {
    const estate = smallEstate();
    const refusal = ask({ ...estate, clusters: estate.clusters.map((cluster) => ({ ...cluster, stale: true })) });
    assert.deepEqual(keysOf(refusal), ["cluster-stale:", "count:5001/1C1"]);
    assert.deepEqual(remediesOf(refusal), ["bring back cluster k1"]);
    assert.match(refusal.notes[0]!.en, /Cluster k1 has not been heard of/);
  });

  it("when two subsystems must be apart and there is no room for that", () => {
    const rules = { apart: [{ subsystem: "5002", domain: "rack" }] } as const;
    const estate = smallEstate();
    const instances = ["1", "2"].map((rack) => ({
      id: `cards-${rack}`,
      subsystem: "5002",
      dcn: "1C1",
      class: "2C4G",
      host: `idc1-r${rack}-h1`,
      subnets: [`r${rack}-core`],
      lifetime: "long-term" as const,
      borrowed: false,
    }));
    const refusal = ask({ ...estate, instances }, { rules });
    assert.deepEqual(keysOf(refusal), ["apart:5001~5002/rack", "count:5001/1C1"]);
  });

  it("when only the facts of the estate forbid it", () => {
    const refusal = ask(smallEstate(), { areas: ["dmz"] });
    assert.deepEqual(keysOf(refusal), ["area:", "count:5001/1C1"]);
  });
});

describe("an explanation counts the hosts that each rule took out", () => {
  it("rule by rule, and names what is against one host", () => {
    const estate = smallEstate();
    const hosts = estate.hosts.map((host, at) => (at === 0 ? { ...host, state: "unavailable" as const } : host));
    const rules = { hostLabels: { disk: "nvme" } };
    const labelled = hosts.map((host, at) => (at === 3 ? { ...host, labels: { disk: "nvme" } } : host));
    const request = { items: [{ subsystem: "5001", class: "2C4G", areas: ["core"], counts: { "1C1": 1 }, rules }] };
    const world = buildWorld({ ...estate, hosts: labelled });
    const [explanation] = explainPlacement(world, request);
    assert.deepEqual(
      explanation!.steps.map(({ rule, hosts: count }) => [rule, count]),
      [["host-labels", 3]],
    );
    assert.equal(explanation!.left, 1);
    const [against] = reasonsAgainst(world, request, "idc1-r1-h1");
    assert.deepEqual(
      against!.reasons.map(({ rule }) => rule),
      ["host-labels", "host-state"],
    );
  });
});

describe("a request that can't be read", () => {
  for (const [what, item, field] of [
    ["an unknown subsystem", { subsystem: "9999" }, "items[0].subsystem"],
    ["a count below nought", { counts: { "1C1": -1 } }, "items[0].counts.1C1"],
    ["an unknown area", { areas: ["moon"] }, "items[0].areas[0]"],
    ["no area", { areas: [] }, "items[0].areas"],
    ["a pool that is not there", { pool: "p9" }, "items[0].pool"],
    [
      "a share above 100",
      { rules: { survival: [{ domain: "rack", of: "dcn", sharePercent: 101 }] } },
      "items[0].rules.survival[0].sharePercent",
    ],
  ] as const) {
    it(`names the field of ${what}`, () => {
      const request: PlacementRequest = {
        items: [{ subsystem: "5001", class: "2C4G", areas: ["core"], counts: { "1C1": 1 }, ...item }],
      };
      assert.throws(
        () => planPlacement(buildWorld(smallEstate()), request),
        (error) => error instanceof PlacementInputError && error.field === field,
      );
    });
  }
});

describe("a subsystem that shrinks while others must be together with it", () => {
  const instance = (id: string, subsystem: string, host: string) => ({
    id,
    subsystem,
    dcn: "1C1",
    class: "2C4G",
    host: `idc1-${host}`,
    subnets: [`${host.slice(0, 2)}-core`],
    lifetime: "long-term" as const,
    borrowed: false,
  });
  const needs = (id: string, domain: "rack" | "cluster") => ({
    id,
    business: "retail",
    rules: { together: [{ subsystem: "0001", domain }] },
  });
  const subsystems = [{ id: "0001", business: "retail", rules: {} }, needs("0002", "rack"), needs("0003", "cluster")];
  const shrink = (estate: Estate, count: number) =>
    planPlacement(buildWorld(estate), {
      items: [{ subsystem: "0001", class: "2C4G", areas: ["core"], counts: { "1C1": count } }],
    });
  const instances = [
    instance("i1", "0001", "r1-h1"),
    instance("i2", "0001", "r1-h2"),
    instance("i3", "0001", "r2-h1"),
    instance("a1", "0002", "r1-h1"),
    instance("b1", "0003", "r2-h2"),
  ];

  it("keeps the one that serves both, when what is in the rack is in the cluster, too", () => {
    const plan = shrink(smallEstate({ subsystems, instances }), 1);
    assert.ok(plan.outcome === "plan", "one of rack r1 is also one of cluster k1");
    assert.ok(plan.removals.includes("i3") && plan.removals.length === 2);
  });

  it("keeps the one that serves both, when rack and cluster only overlap", () => {
    const small = smallEstate({ subsystems, instances });
    const second = { ...small.clusters[0]!, id: "k2" };
    const hosts = small.hosts.map((host) => (host.id === "idc1-r1-h1" ? host : { ...host, cluster: "k2" }));
    const estate = { ...small, clusters: [...small.clusters, second], hosts };
    const plan = shrink(estate, 1);
    assert.ok(plan.outcome === "plan", "i2 is in rack r1 and in cluster k2");
    assert.deepEqual(plan.removals.toSorted(), ["i1", "i3"]);
    const refusal = shrink({ ...estate, instances: instances.filter(({ id }) => id !== "i2") }, 1);
    assert.ok(refusal.outcome === "refusal");
    assert.deepEqual(refusal.conflict.map(({ rule }) => rule).toSorted(), ["count", "together", "together"]);
  });
});
