import { countKey } from "./compile-problem.ts";
import { mostInOneDomain, type Demand, type DemandSet } from "./demand.ts";
import type { ConstraintKey } from "./rule-names.ts";
import type { World } from "./world.ts";

/** How many instances a demand adds to its deployment. */
function added(demand: Demand): number {
  return demand.kind === "place" ? demand.count : demand.count - demand.instances.length;
}

/** The set as if some demands had not been asked for: their deployments stay as they are. */
export function withoutDemands(world: World, set: DemandSet, counts: ReadonlySet<ConstraintKey>): DemandSet {
  const dropped = set.demands.filter((demand) => counts.has(countKey(world, demand)) && demand.previousHost < 0);
  if (dropped.length === 0) return set;
  const demands = set.demands.filter((demand) => !dropped.includes(demand));
  const undecided = new Set(dropped.flatMap((demand) => (demand.kind === "keep" ? demand.instances : [])));
  return {
    demands,
    decided: new Set([...set.decided].filter((row) => !undecided.has(row))),
    survival: set.survival
      .filter((limit) => demands.some((demand) => limit.deployments.includes(demand.deployment)))
      .map((limit) => {
        const own = dropped.filter((demand) => limit.deployments.includes(demand.deployment));
        const total = limit.total - own.reduce((sum, demand) => sum + added(demand), 0);
        return { ...limit, total, most: mostInOneDomain(total, limit.rule.sharePercent) };
      }),
  };
}

/** The set with another count for one demand that places. */
export function withCount(set: DemandSet, at: number, count: number): DemandSet {
  const changed = set.demands[at]!;
  const more = count - changed.count;
  return {
    ...set,
    demands: set.demands.map((demand, k) => (k === at ? { ...demand, count } : demand)),
    survival: set.survival.map((limit) => {
      if (!limit.deployments.includes(changed.deployment)) return limit;
      const total = limit.total + more;
      return { ...limit, total, most: mostInOneDomain(total, limit.rule.sharePercent) };
    }),
  };
}

/** Two sets planned together, as when an instance must move to make room. */
export function joinDemands(a: DemandSet, b: DemandSet): DemandSet {
  const same = (one: DemandSet["survival"][number], other: DemandSet["survival"][number]) =>
    one.rule === other.rule && one.deployments.join() === other.deployments.join();
  return {
    demands: [...a.demands, ...b.demands],
    decided: new Set([...a.decided, ...b.decided]),
    survival: [...a.survival, ...b.survival.filter((limit) => !a.survival.some((known) => same(known, limit)))],
  };
}
