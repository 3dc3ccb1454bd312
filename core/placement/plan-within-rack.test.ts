import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buildWorld, planWithinRack, reasonsAgainst, type Estate, type OperatingState } from "./index.ts";

const size = { diskGiB: 0, ioMiBps: 0 };

/** One IDC, two racks; r1 has three hosts of two clusters, r2 one. The instances stand on h1 and h2 of r1. */
function estate(change: Readonly<{ coresOfH3: number; h2?: OperatingState; share?: number }>): Estate {
  const hosts = [
    ["r1-h1", "r1", "k1", 8],
    ["r1-h2", "r1", "k1", 8],
    ["r1-h3", "r1", "k2", change.coresOfH3],
    ["r2-h1", "r2", "k2", 64],
  ] as const;
  const quota = { cpuMilli: 64_000, memoryMiB: 131_072 };
  return {
    idcs: [{ id: "idc1" }],
    areas: [{ id: "core" }],
    clusters: ["k1", "k2"].map((id) => ({
      id,
      idc: "idc1",
      environment: "production",
      state: "available" as const,
      stale: false,
    })),
    racks: ["r1", "r2"].map((id) => ({ id, idc: "idc1", state: "available" as const })),
    // No address is free: who moves within the rack needs no other.
    subnets: ["r1", "r2"].map((rack) => ({
      id: `${rack}-core`,
      rack,
      area: "core",
      fixedIps: rack === "r1" ? 4 : 10,
      takenElsewhere: 0,
    })),
    pools: [
      {
        id: "shared",
        environment: "production",
        cpuOvercommitPercent: 100,
        shares: [{ business: "retail", guarantee: quota, limit: quota }],
      },
    ],
    hosts: hosts.map(([id, rack, cluster, cores]) => ({
      id,
      rack,
      cluster,
      pool: "shared",
      state: id === "r1-h2" ? (change.h2 ?? "available") : ("available" as const),
      labels: {},
      ioClass: "ssd",
      allocatable: { cpuMilli: cores * 1000, memoryMiB: 65_536, ...size, instances: 20 },
      otherPods: { cpuMilli: 0, memoryMiB: 0, ...size, instances: 0 },
    })),
    dcns: [{ id: "1C1", group: "1C", idc: "idc1", environment: "production" }],
    classes: [{ id: "2C4G", cpuMilli: 2_000, memoryMiB: 4_096, ...size }],
    subsystems: [
      {
        id: "5001",
        business: "retail",
        // All of it is in one rack: a move within it can't make that better or worse.
        rules: { survival: [{ domain: "rack", of: "dcn", sharePercent: change.share ?? 50 }], maxPerRack: 1 },
      },
    ],
    vms: [],
    instances: ["a", "b", "c", "d"].map((id) => ({
      id,
      subsystem: "5001",
      dcn: "1C1",
      class: "2C4G",
      host: id === "d" ? "r1-h2" : "r1-h1",
      subnets: ["r1-core"],
      lifetime: "long-term" as const,
      borrowed: false,
    })),
  };
}

describe("where the instances of a lost host go", () => {
  it("is within their rack, over clusters, even when no address is free and the rack's own rules are broken already", () => {
    const world = buildWorld(estate({ coresOfH3: 8 }));
    const moves = planWithinRack(world, "r1-h1", ["a", "b", "c"]);
    assert.ok(moves.every(({ to }) => to !== null && ["r1-h2", "r1-h3"].includes(to.host)));
    assert.deepEqual(new Set(moves.map(({ to }) => to?.cluster)), new Set(["k1", "k2"]));
    assert.match(moves[0]?.why.en ?? "", /of the 2 other hosts of rack r1, 2 can take it/);
    assert.match(moves[0]?.why.zh ?? "", /机架 r1 其余 2 台宿主机中有 2 台可容纳/);
  });

  it("is for those that come first when there is no room for all, and says of the others what is against each host", () => {
    const world = buildWorld(estate({ coresOfH3: 2, h2: "offline" }));
    const moves = planWithinRack(world, "r1-h1", ["b", "a", "c"]);
    assert.deepEqual(
      moves.map(({ instance, to }) => [instance, to?.host ?? null]),
      [
        ["b", "r1-h3"],
        ["a", null],
        ["c", null],
      ],
    );
    assert.equal(
      moves[1]?.why.en,
      "no host of rack r1 can take it: r1-h2: the host is not available; r1-h3: not enough CPU free",
    );
    assert.match(moves[1]?.why.zh ?? "", /r1-h3: CPU 不足/);
  });

  it("leaves the picture as it was", () => {
    const world = buildWorld(estate({ coresOfH3: 2, h2: "offline" }));
    const before = planWithinRack(world, "r1-h1", ["a", "b", "c"]);
    assert.deepEqual(planWithinRack(world, "r1-h1", ["a", "b", "c"]), before);
    assert.equal(world.hosts.state[world.hosts.names.index.get("r1-h1") ?? -1], 0);
    assert.deepEqual(reasonsAgainst(world, { replace: ["a"] }, "r2-h1")[0]?.reasons, []);
  });

  it("is nowhere when there is nothing to move", () => {
    const world = buildWorld(estate({ coresOfH3: 2 }));
    assert.equal(planWithinRack(world, "r2-h1", []).length, 0);
  });
});
