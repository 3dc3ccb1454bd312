import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { smallEstate } from "./testing/small-estate.ts";
import {
  buildWorld,
  planPlacement,
  planResize,
  PlacementInputError,
  type Estate,
  type InstanceRecord,
  type ResizePlan,
} from "./index.ts";

const instance = (id: string, host: string, more: Partial<InstanceRecord> = {}): InstanceRecord => ({
  id,
  subsystem: "5001",
  dcn: "1C1",
  class: "2C4G",
  host: `idc1-${host}`,
  subnets: [`${host.slice(0, 2)}-core`],
  lifetime: "long-term",
  borrowed: false,
  ...more,
});

const estateWith = (instances: readonly InstanceRecord[], change: Partial<Estate> = {}) =>
  smallEstate({ ...change, instances });

function resized(estate: Estate, instances: readonly string[]): ResizePlan {
  const plan = planResize(buildWorld(estate), { instances, class: "8C8G" });
  assert.equal(plan.outcome, "resize", "text" in plan ? plan.text.en : "");
  return plan;
}

describe("another class for an instance", () => {
  it("is given on its host while there is room", () => {
    const { resizes } = resized(estateWith([instance("a", "r1-h1")]), ["a"]);
    assert.deepEqual(resizes, [
      {
        instance: "a",
        fromClass: "2C4G",
        toClass: "8C8G",
        fromHost: "idc1-r1-h1",
        toHost: "idc1-r1-h1",
        toPool: "shared-1",
        stays: true,
        borrowed: false,
        reason: null,
      },
    ]);
  });

  it("is given on another host of its rack when its own has no room, and says so", () => {
    const estate = estateWith([instance("a", "r1-h1"), instance("b", "r1-h1")]);
    const [plan] = resized(estate, ["a"]).resizes;
    assert.deepEqual([plan?.toHost, plan?.stays], ["idc1-r1-h2", false]);
    assert.match(plan?.reason?.en ?? "", /^it can't stay on host idc1-r1-h1: not enough CPU free$/);
    assert.match(plan?.reason?.zh ?? "", /^无法留在宿主机 idc1-r1-h1：/);
  });

  it("is refused when its rack has no room, since its addresses are the rack's", () => {
    const instances = ["r1-h1", "r1-h2"].flatMap((host) => [instance(`a-${host}`, host), instance(`b-${host}`, host)]);
    const refusal = planResize(buildWorld(estateWith(instances)), { instances: ["a-r1-h1"], class: "8C8G" });
    assert.equal(refusal.outcome, "refusal");
    assert.ok(refusal.remedies.length > 0);
  });

  it("is counted one after the other: the second finds what the first took", () => {
    const estate = estateWith([instance("a", "r1-h1"), instance("b", "r1-h1")]);
    const { resizes } = resized(estate, ["b", "a"]);
    assert.deepEqual(
      resizes.map(({ instance: name, toHost }) => `${name} ${toHost}`),
      ["a idc1-r1-h2", "b idc1-r1-h1"],
    );
  });

  it("is refused beyond the limit of its business in the pool", () => {
    const instances = ["r1-h1", "r1-h2", "r2-h1", "r2-h2"].map((host) => instance(host, host));
    const refusal = planResize(buildWorld(estateWith(instances)), {
      instances: instances.map(({ id }) => id),
      class: "8C8G",
    });
    assert.equal(refusal.outcome, "refusal");
    assert.ok(refusal.outcome === "refusal" && refusal.conflict.some(({ rule }) => rule === "quota-limit"));
  });

  it("leaves the world as it was", () => {
    const world = buildWorld(estateWith([instance("a", "r1-h1"), instance("b", "r1-h1")]));
    const once = planResize(world, { instances: ["a", "b"], class: "8C8G" });
    assert.deepEqual(planResize(world, { instances: ["a", "b"], class: "8C8G" }), once);
    assert.throws(() => planResize(world, { instances: ["c"], class: "8C8G" }), PlacementInputError);
  });
});

describe("retirement by name", () => {
  const four = ["r1-h1", "r1-h2", "r2-h1", "r2-h2"].map((host) => instance(host, host));
  const rules = { survival: [{ domain: "rack", of: "dcn", sharePercent: 50 }] } as const;
  const ask = (retire: readonly string[], left: number) =>
    planPlacement(buildWorld(estateWith(four)), {
      items: [{ subsystem: "5001", class: "2C4G", areas: ["core"], counts: { "1C1": left }, retire, rules }],
    });

  it("takes those that are named and no others", () => {
    const plan = ask(["r1-h2", "r2-h2"], 2);
    assert.deepEqual(plan.outcome === "plan" && [plan.removals, plan.places], [["r1-h2", "r2-h2"], []]);
    const all = ask(
      four.map(({ id }) => id),
      0,
    );
    assert.equal(all.outcome === "plan" && all.removals.length, 4);
  });

  it("is refused when what is left would not survive the loss of a rack", () => {
    const refusal = ask(["r1-h1", "r1-h2"], 2);
    assert.ok(refusal.outcome === "refusal" && refusal.conflict.some(({ rule }) => rule === "survival"));
  });

  it("wants a number that fits, and instances that are there", () => {
    assert.throws(() => ask(["r1-h1"], 2), /3 are left/);
    assert.throws(() => ask(["nobody"], 3), /"nobody" is not an instance/);
  });
});
