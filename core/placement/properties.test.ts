import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assert as check, integer, property } from "fast-check";
import { checkPlan, digestWorld, estateAfter, randomCase } from "../placement-check/index.ts";
import {
  applyPlan,
  buildWorld,
  commonEstate,
  compareWorlds,
  joinEstate,
  planPlacement,
  putHost,
  rackEstates,
  simulateLoss,
  undoPlan,
  type CommonEstate,
  type Estate,
  type PlacementRequest,
  type RackEstate,
} from "./index.ts";

const seeds = integer({ min: 1, max: 1_000_000 });
const settings = { seed: 20_261_124, numRuns: 80 };

/** A request that replaces some existing instances and shrinks some deployments. */
function shrinkRequest(estate: Estate, seed: number): PlacementRequest {
  const items = estate.subsystems.flatMap((subsystem, at) => {
    const counts: Record<string, number> = {};
    for (const dcn of estate.dcns) {
      const existing = estate.instances.filter((each) => each.subsystem === subsystem.id && each.dcn === dcn.id).length;
      if (existing > 1) counts[dcn.id] = existing - 1 - ((seed + at) % existing === 0 ? 1 : 0);
    }
    return Object.keys(counts).length === 0
      ? []
      : [{ subsystem: subsystem.id, class: "1C2G", areas: ["core"], counts }];
  });
  return { items };
}

/** Whether some choice of instances to go satisfies the checker. */
function canShrink(estate: Estate, request: PlacementRequest): boolean {
  const choices = estate.instances.filter((each) =>
    request.items!.some((item) => item.subsystem === each.subsystem && item.counts[each.dcn] !== undefined),
  );
  for (let mask = 0; mask < 1 << choices.length; mask += 1) {
    const removals = choices.filter((_, at) => (mask >> at) % 2 === 1).map(({ id }) => id);
    const plan = { outcome: "plan", places: [], removals, score: { total: 0, parts: {} }, notes: [] } as const;
    if (checkPlan(estate, request, plan).length === 0) return true;
  }
  return false;
}

describe("placement on random estates", () => {
  it("never breaks a hard rule, and gives the same plan for the same input in any order", () => {
    check(
      property(seeds, (seed) => {
        const { estate, request } = randomCase(seed);
        const answer = planPlacement(buildWorld(estate), request);
        if (answer.outcome === "plan") assert.deepEqual(checkPlan(estate, request, answer), []);
        const turned: Estate = {
          ...estate,
          hosts: [...estate.hosts].reverse(),
          racks: [...estate.racks].reverse(),
          instances: [...estate.instances].reverse(),
          subnets: [...estate.subnets].reverse(),
        };
        const again = planPlacement(buildWorld(turned), request);
        assert.equal(again.outcome, answer.outcome);
        if (answer.outcome === "plan") assert.deepEqual(again, answer);
      }),
      settings,
    );
  });

  it("leaves the world as it was, and a plan applied step by step gives the world that is built from its outcome", () => {
    check(
      property(seeds, (seed) => {
        const { estate, request } = randomCase(seed);
        const world = buildWorld(estate);
        const before = digestWorld(world);
        const answer = planPlacement(world, request);
        assert.deepEqual(digestWorld(world), before);
        if (answer.outcome !== "plan") return;
        const journal = applyPlan(world, answer, (_place, at) => `planned-${at}`);
        assert.deepEqual(digestWorld(world), digestWorld(buildWorld(estateAfter(estate, answer))));
        undoPlan(world, journal);
        assert.deepEqual(digestWorld(world), before);
      }),
      settings,
    );
  });

  it("keeps the same picture when hosts change one by one as when it is built anew", () => {
    check(
      property(seeds, (seed) => {
        const { estate } = randomCase(seed);
        const changed = estate.hosts.map((host, at) =>
          (seed + at) % 3 === 0
            ? {
                ...host,
                state: "unavailable" as const,
                labels: { disk: "sas" },
                allocatable: { ...host.allocatable, cpuMilli: host.allocatable.cpuMilli + 1000 },
                pool: estate.pools[(seed + at) % estate.pools.length]!.id,
              }
            : host,
        );
        const world = buildWorld(estate);
        for (const host of changed) putHost(world, host);
        assert.deepEqual(digestWorld(world), digestWorld(buildWorld({ ...estate, hosts: changed })));
      }),
      settings,
    );
  });

  it("can be written down rack by rack and read again: the same picture, and the same answer byte for byte", () => {
    check(
      property(seeds, (seed) => {
        const { estate, request } = randomCase(seed);
        const world = buildWorld(estate);
        const racks = rackEstates(world, new Set(estate.racks.map(({ id }) => id)));
        const written = JSON.stringify([commonEstate(world), [...racks.values()]]);
        const [common, own] = JSON.parse(written) as [CommonEstate, RackEstate[]];
        const read = buildWorld(joinEstate(common, own));
        assert.deepEqual(compareWorlds(world, read, 9), []);
        assert.equal(JSON.stringify(planPlacement(read, request)), JSON.stringify(planPlacement(world, request)));
      }),
      settings,
    );
  });

  it("shrinks whenever some choice of instances keeps every rule, and then keeps every rule", () => {
    check(
      property(seeds, (seed) => {
        const { estate } = randomCase(seed);
        const request = shrinkRequest(estate, seed);
        const answer = planPlacement(buildWorld(estate), request);
        if (answer.outcome === "plan") assert.deepEqual(checkPlan(estate, request, answer), []);
        else assert.equal(canShrink(estate, request), false, "a choice was missed");
      }),
      settings,
    );
  });

  it("says what a loss takes and where it could go again, and leaves the world as it was", () => {
    check(
      property(seeds, (seed) => {
        const { estate } = randomCase(seed);
        const world = buildWorld(estate);
        const before = digestWorld(world);
        const rack = estate.racks[seed % estate.racks.length]!.id;
        const report = simulateLoss(world, "rack", rack);
        assert.deepEqual(digestWorld(world), before);
        const inRack = new Set(estate.hosts.filter((host) => host.rack === rack).map(({ id }) => id));
        const lost = estate.instances.filter((each) => inRack.has(each.host)).map(({ id }) => id);
        assert.deepEqual(report.deployments.flatMap((each) => each.lostInstances).sort(), lost.sort());
        const placed = report.deployments.flatMap((each) => each.replacements);
        assert.equal(placed.length + report.deployments.flatMap((each) => each.unplaced).length, lost.length);
        assert.ok(placed.every((place) => place.rack !== rack));
      }),
      settings,
    );
  });
});
