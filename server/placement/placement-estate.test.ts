import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createEstateIndex, parseEstateFile, stageChanges, type EstateIndex } from "@wcs/core/estate";
import { buildWorld, planPlacement, type InstanceRecord } from "@wcs/core/placement";
import { placementEstate, type PlacementFacts } from "./placement-estate.ts";

const host = (name: string, rack: string) => `
- kind: Host
  name: ${name}
  spec:
    rack: ${rack}
    cluster: idc1-c1
    pool: shared-1
    addresses: { core: 10.71.${rack.slice(-1)}.${name.slice(-1)} }
    capacity: { cpuMilli: 16000, memoryMiB: 32768 }`;

const text = `
- { kind: City, name: shenzhen }
- { kind: IDC, name: idc1, spec: { city: shenzhen } }
- { kind: Area, name: core, spec: { external: false } }
- { kind: Rack, name: idc1-r1, spec: { idc: idc1 } }
- { kind: Rack, name: idc1-r2, spec: { idc: idc1 } }
- { kind: Environment, name: production, spec: { ticketRequired: true, approvals: 1 } }
- { kind: Business, name: retail }
- { kind: Person, name: wang-wei, spec: { business: retail } }
- { kind: System, name: savings, spec: { business: retail } }
- { kind: Subsystem, name: "0101", spec: { system: savings, importance: A, owner: wang-wei, areas: [core], rules: { survival: [{ domain: rack, of: dcn, sharePercent: 50 }] } } }
- { kind: Class, name: 4C8G, spec: { cpuMilli: 4000, memoryMiB: 8192 } }
- { kind: Cluster, name: idc1-c1, spec: { idc: idc1, environment: production } }
- { kind: DCNGroup, name: 1C }
- { kind: DCN, name: 1C1, spec: { group: 1C, idc: idc1, environment: production, role: active } }
- { kind: Pool, name: shared-1, spec: { environment: production, quotas: { retail: { guarantee: { cpuMilli: 24000, memoryMiB: 49152 }, limit: { cpuMilli: 48000, memoryMiB: 98304 } } } } }
- { kind: Subnet, name: idc1-r1-core, spec: { rack: idc1-r1, area: core, cidr: 10.71.1.0/24, gateway: 10.71.1.254, fixed: 10.71.1.100-10.71.1.109 } }
- { kind: Subnet, name: idc1-r2-core, spec: { rack: idc1-r2, area: core, cidr: 10.71.2.0/24, gateway: 10.71.2.254, fixed: 10.71.2.100-10.71.2.109 } }
${host("idc1-h1", "idc1-r1")}
${host("idc1-h2", "idc1-r1")}
${host("idc1-h3", "idc1-r2")}
`;

function estate(): EstateIndex {
  const file = parseEstateFile(text);
  const index = createEstateIndex();
  const { faults } = stageChanges(
    index,
    file.documents.map(({ value }) => ({ put: value })),
  );
  assert.deepEqual([...file.faults, ...faults], []);
  return index;
}

const facts: PlacementFacts = {
  documents: estate().documents,
  leaving: new Map(),
  held: new Map(),
  addresses: new Map(["idc1-r1-core", "idc1-r2-core"].map((subnet) => [subnet, { fixed: 10, free: 10 }])),
  isHeardOf: () => true,
  nodeOf: () => undefined,
};
const others = { cpuMilli: 0, memoryMiB: 0, diskGiB: 0, ioMiBps: 0, instances: 0 };
const node = { cpuMilli: 16_000, memoryMiB: 32_768, pods: 110, ready: true, others };
const ask = (changes: Partial<PlacementFacts>, count: number, instances: readonly InstanceRecord[] = []) =>
  planPlacement(buildWorld({ ...placementEstate({ ...facts, ...changes }), instances }), {
    items: [{ subsystem: "0101", class: "4C8G", areas: ["core"], counts: { "1C1": count } }],
  });

describe("the estate as placement takes it", () => {
  it("is planned on, over racks as the subsystem's rules say", () => {
    const plan = ask({}, 4);
    assert.ok(plan.outcome === "plan");
    assert.deepEqual(plan.places.map(({ rack }) => rack).toSorted(), ["idc1-r1", "idc1-r1", "idc1-r2", "idc1-r2"]);
  });

  it("gives the room of an instance on its way out to nobody until it is gone", () => {
    const leaving = new Map([["idc1-h3", Array.from({ length: 4 }, () => "4C8G")]]);
    const plan = ask({ leaving }, 4);
    assert.equal(plan.outcome, "refusal", "rack idc1-r2 has no room left, and half must survive the loss of a rack");
    assert.equal(ask({}, 4).outcome, "plan");
  });

  it("counts what instances hold, and addresses that others have", () => {
    const instances = [1, 2].map((number) => ({
      id: `0101-1c1-0${number}`,
      subsystem: "0101",
      dcn: "1C1",
      class: "4C8G",
      host: `idc1-h${number * 2 - 1}`,
      subnets: [`idc1-r${number}-core`],
      lifetime: "long-term" as const,
      borrowed: false,
    }));
    const addresses = new Map([
      ["idc1-r1-core", { fixed: 10, free: 9 }],
      ["idc1-r2-core", { fixed: 10, free: 0 }],
    ]);
    const held = new Map(["idc1-r1-core", "idc1-r2-core"].map((subnet) => [subnet, 1]));
    const plan = ask({ addresses, held }, 2, instances);
    assert.ok(plan.outcome === "plan");
    assert.deepEqual([plan.places.length, plan.removals.length], [0, 0]);
    const refusal = ask({ addresses, held }, 4, instances);
    assert.ok(refusal.outcome === "refusal");
    assert.match(refusal.text.en, /idc1-r2|fixed IP|address/);
  });

  it("places nothing on a cluster that is not heard of, or a host that is not ready", () => {
    assert.equal(ask({ isHeardOf: () => false }, 1).outcome, "refusal");
    const plan = ask({ nodeOf: (_cluster, host) => ({ ...node, ready: host !== "idc1-h3" }) }, 2);
    assert.equal(plan.outcome, "refusal", "half of them must survive the loss of a rack");
  });

  it("places nothing on a host that is no node of its cluster", () => {
    const nodeOf: PlacementFacts["nodeOf"] = (_cluster, host) => (host === "idc1-h3" ? null : node);
    assert.equal(ask({ nodeOf }, 2).outcome, "refusal", "half of them must survive the loss of a rack");
    assert.equal(ask({ nodeOf: () => node }, 2).outcome, "plan");
  });

  it("gives nobody what other pods request", () => {
    const nodeOf: PlacementFacts["nodeOf"] = () => ({ ...node, others: { ...others, cpuMilli: 8_500, instances: 3 } });
    assert.equal(ask({ nodeOf }, 2).outcome, "plan", "7.5 of 16 cores are left: one 4C8G on each host");
    const refusal = ask({ nodeOf }, 4);
    assert.ok(refusal.outcome === "refusal");
    assert.ok(refusal.conflict.some(({ rule }) => rule === "cpu"));
  });
});
