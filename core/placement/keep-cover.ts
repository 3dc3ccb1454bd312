import type { Demand, DemandSet } from "./demand.ts";
import type { FailureDomain } from "./estate.ts";
import { constraintKey, type ConstraintKey } from "./rule-names.ts";
import { countDeployment, domainOfHost } from "./surroundings.ts";
import { findDeployment, type World } from "./world.ts";

/**
 * A domain in which at least one instance of a shrinking deployment must stay, since others there must be together with it. `rows`: those
 * of its instances that are there.
 */
export type KeepCover = Readonly<{
  key: ConstraintKey;
  domain: FailureDomain;
  index: number;
  rows: ReadonlySet<number>;
}>;

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
      const here = Map.groupBy(demand.instances, (row) => domainOfHost(world, world.instances.host[row]!, domain));
      const key = constraintKey("together", `${world.subsystems.names.ids[dependent]}~${own}/${domain}`);
      for (const [index, rows] of here) {
        if (dependents.has(index) && !staying.has(index)) covers.push({ key, domain, index, rows: new Set(rows) });
      }
    }
  }
  return covers.sort((a, b) => (a.key === b.key ? a.index - b.index : a.key < b.key ? -1 : 1));
}

/** The covers without those that another one brings with it: who stays on a host stays in its rack. */
export function neededCovers(covers: readonly KeepCover[]): KeepCover[] {
  return covers.filter(
    (cover, at) =>
      !covers.some((other, n) => {
        if (n === at || !other.rows.isSubsetOf(cover.rows)) return false;
        return other.rows.size < cover.rows.size || n < at;
      }),
  );
}

/** How many ways of sharing instances between covers are looked at. */
const mostTries = 10_000;

/**
 * Covers that overlap without one bringing the other (a rack of two clusters, a cluster of two racks), as sets of instances of which one each must
 * stay, at most `count` of them. Null when no such way was found.
 */
export function sharedCovers(covers: readonly KeepCover[], count: number): ReadonlySet<number>[] | null {
  if (covers.length <= count) return covers.map(({ rows }) => rows);
  let tries = 0;
  const search = (at: number, groups: readonly ReadonlySet<number>[]): readonly ReadonlySet<number>[] | null => {
    const cover = covers[at];
    if (cover === undefined) return groups;
    for (const [n, group] of groups.entries()) {
      if ((tries += 1) > mostTries) return null;
      const both = group.intersection(cover.rows);
      if (both.size === 0) continue;
      const found = search(at + 1, groups.with(n, both));
      if (found !== null) return found;
    }
    return groups.length < count ? search(at + 1, [...groups, cover.rows]) : null;
  };
  const found = search(0, []);
  return found === null ? null : [...found];
}
