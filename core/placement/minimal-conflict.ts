import { withoutDemands } from "./change-demands.ts";
import { compileProblem, constraintsOf, countKey } from "./compile-problem.ts";
import type { DemandSet } from "./demand.ts";
import { ruleOfKey, type ConstraintKey, type RuleName } from "./rule-names.ts";
import { solve } from "./solve.ts";
import type { World } from "./world.ts";

/**
 * Rules in the order in which the filter tries to do without them: of two minimal conflicts the one with rules that stand later
 * here is found. Last are those that a business can do something about.
 */
const filterOrder: readonly RuleName[] = [
  "count",
  "cluster-stale",
  "cluster-state",
  "rack-state",
  "host-state",
  "io-class",
  "instances-per-host",
  "disk",
  "io",
  "host-labels",
  "together",
  "apart",
  "max-per-host",
  "max-per-rack",
  "survival",
  "memory",
  "cpu",
  "quota-borrow",
  "quota-limit",
  "fixed-ip",
];

/** Facts of the estate rather than rules of the request; they are part of a conflict only when nothing else explains it. */
const facts: readonly RuleName[] = ["idc", "environment", "dcn-clusters", "pool-membership", "same-rack", "area"];

const staticRules: readonly RuleName[] = [
  "cluster-stale",
  "cluster-state",
  "rack-state",
  "host-state",
  "io-class",
  "host-labels",
];

/** `minimal`: leaving out any one of `keys` was shown to make a plan possible, and `keys` together were shown to forbid one. */
export type Conflict = Readonly<{ keys: readonly ConstraintKey[]; minimal: boolean }>;

/**
 * A minimal set of constraints that can't hold together: starts with all and leaves out one after the other, for good when there
 * still is no plan (a deletion filter; Chinneck and Dravnieks 1991).
 */
export function minimalConflict(world: World, set: DemandSet): Conflict {
  let minimal = true;
  const impossibleWithout = (relaxed: ReadonlySet<ConstraintKey>) => {
    const reduced = withoutDemands(world, set, relaxed);
    if (reduced.demands.length === 0) return false;
    const { outcome } = solve(world, compileProblem(world, reduced, { relaxed }), { feasibleOnly: true });
    if (outcome === "unknown") minimal = false;
    return outcome === "none";
  };
  const order = (key: ConstraintKey) => filterOrder.indexOf(ruleOfKey(key));
  const rules = [...new Set([...staticRules, ...constraintsOf(world, set)])].filter((key) => order(key) >= 0);
  const counts = [
    ...new Set(set.demands.filter(({ previousHost }) => previousHost < 0).map((demand) => countKey(world, demand))),
  ];
  const all = [...rules, ...counts].sort((a, b) => order(a) - order(b) || (a < b ? -1 : 1));

  const withFacts = impossibleWithout(new Set(rules));
  const candidates: readonly ConstraintKey[] = withFacts ? [...rules, ...counts, ...facts] : all;
  const relaxed = new Set<ConstraintKey>();
  for (const key of candidates) {
    relaxed.add(key);
    if (!impossibleWithout(relaxed)) relaxed.delete(key);
  }
  return { keys: candidates.filter((key) => !relaxed.has(key)), minimal };
}
