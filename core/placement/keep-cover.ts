import type { Demand, DemandSet } from "./demand.ts";
import type { FailureDomain } from "./estate.ts";
import { constraintKey, type ConstraintKey } from "./rule-names.ts";
import { countDeployment, domainOfHost } from "./surroundings.ts";
import { findDeployment, type World } from "./world.ts";

/** A domain in which at least one instance of a shrinking deployment must stay, since others there must be together with it. */
export type KeepCover = Readonly<{ key: ConstraintKey; domain: FailureDomain; index: number }>;

/** Where instances of the `keep` demand can't all go. */
export function keepCovers(world: World, set: DemandSet, demand: Demand): KeepCover[] {
  const covers: KeepCover[] = [];
  const own = world.subsystems.names.ids[demand.subsystem]!;
  for (const dependent of world.subsystems.togetherOf[demand.subsystem]!) {
    const deployment = findDeployment(world, dependent, demand.dcn);
    if (deployment < 0) continue;
    for (const { subsystem, domain } of world.subsystems.rules[dependent]!.together ?? []) {
      if (subsystem !== own) continue;
      const dependents = countDeployment(world, deployment, set.decided)[domain];
      const staying = countDeployment(world, demand.deployment, set.decided)[domain];
      const here = new Set(demand.instances.map((row) => domainOfHost(world, world.instances.host[row]!, domain)));
      const key = constraintKey("together", `${world.subsystems.names.ids[dependent]}~${own}/${domain}`);
      for (const index of here) {
        if (dependents.has(index) && !staying.has(index)) covers.push({ key, domain, index });
      }
    }
  }
  return covers.sort((a, b) => (a.key === b.key ? a.index - b.index : a.key < b.key ? -1 : 1));
}

/** The covers without those that another one brings with it: who stays on a host stays in its rack. */
export function neededCovers(world: World, covers: readonly KeepCover[]): KeepCover[] {
  return covers.filter(
    (cover, at) =>
      !covers.some((other, n) => {
        const same = other.domain === cover.domain && other.index === cover.index;
        return same ? n < at : isInside(world, other, cover);
      }),
  );
}

function isInside(world: World, inner: KeepCover, outer: KeepCover): boolean {
  if (inner.domain === outer.domain) return false;
  if (inner.domain === "host") return domainOfHost(world, inner.index, outer.domain) === outer.index;
  if (outer.domain !== "idc") return false;
  if (inner.domain === "rack") return world.racks.idc[inner.index] === outer.index;
  return inner.domain === "cluster" && world.clusters.idc[inner.index] === outer.index;
}
