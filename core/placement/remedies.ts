import { moveRemedies, returnRemedies } from "./making-room.ts";
import { withCount, withoutDemands } from "./change-demands.ts";
import { countKey, compileProblem } from "./compile-problem.ts";
import { decide } from "./decide.ts";
import type { DemandSet } from "./demand.ts";
import type { Remedy } from "./request.ts";
import { ruleOfKey, subjectOfKey, type ConstraintKey, type RuleName } from "./rule-names.ts";
import { constraintText } from "./rule-texts.ts";
import { solve } from "./solve.ts";
import { solveSoftly, type Overflow, type SoftSolution } from "./soft-solution.ts";
import { amountText, texts, type BilingualText } from "./texts.ts";
import type { World } from "./world.ts";

/** How many more instances are tried when more of them would satisfy a survival rule. */
const mostMore = 8;

/**
 * Changes each of which alone makes the whole request fit, tried by the engine: more of what is short, a rule loosened, another
 * count, an instance moved, borrowed instances taken back. When no single one is enough, all that is short together.
 */
export function findRemedies(world: World, set: DemandSet, conflict: readonly ConstraintKey[]): Remedy[] {
  const whole = tryRemedies(world, set, conflict).map((found) => ({ ...found, enough: true }));
  if (whole.length > 0) return whole;
  // There is more than one conflict: say at least what undoes this one.
  const others = new Set(set.demands.map((demand) => countKey(world, demand)).filter((key) => !conflict.includes(key)));
  const part = withoutDemands(world, set, others);
  return tryRemedies(world, part, conflict).map((found) => ({ ...found, enough: others.size === 0 }));
}

type Tried = Omit<Remedy, "enough">;

function tryRemedies(world: World, set: DemandSet, conflict: readonly ConstraintKey[]): Tried[] {
  const remedies: Tried[] = [];
  let short: SoftSolution | null = null;
  for (const key of conflict.filter((each) => ruleOfKey(each) !== "count")) {
    if (isAffinity(key)) {
      const without = compileProblem(world, set, { relaxed: new Set([key]) });
      if (solve(world, without, { feasibleOnly: true }).outcome === "plan") {
        remedies.push({ kind: "loosen", text: texts.dropRule(constraintText(world, key, set.demands)) });
      }
      continue;
    }
    const solution = solveSoftly(world, set, new Set([key]));
    if (solution === null) continue;
    short ??= solution;
    const lacking = lackingTexts(world, set, solution);
    if (lacking.length > 0) remedies.push({ kind: remedyKind(key), text: texts.together(lacking) });
  }
  if (short === null) {
    const solution = solveSoftly(world, set, new Set(softKeys(world, set)));
    const lacking = solution === null ? [] : lackingTexts(world, set, solution);
    if (lacking.length > 0) remedies.push({ kind: "more", text: texts.together(lacking) });
    short = solution;
  }
  if (short !== null) {
    remedies.push(...returnRemedies(world, set, short), ...moveRemedies(world, set, short));
  }
  remedies.push(...countRemedies(world, set, conflict));
  return remedies;
}

function isAffinity(key: ConstraintKey): boolean {
  return ["together", "apart"].includes(ruleOfKey(key));
}

function remedyKind(key: ConstraintKey): Remedy["kind"] {
  const rule = ruleOfKey(key);
  const loosened: readonly RuleName[] = ["survival", "max-per-host", "max-per-rack", "host-labels", "io-class"];
  const repaired: readonly RuleName[] = ["cluster-stale", "cluster-state", "rack-state", "host-state"];
  if (repaired.includes(rule)) return "repair";
  return loosened.includes(rule) ? "loosen" : "more";
}

function softKeys(world: World, set: DemandSet): ConstraintKey[] {
  const { families, contradictions } = compileProblem(world, set);
  const keys = [...families, ...contradictions].map(({ key }) => key);
  return [
    ...new Set([...keys, "host-state", "rack-state", "cluster-state", "cluster-stale", "host-labels", "io-class"]),
  ].filter((key) => ruleOfKey(key) !== "count");
}

/** What a plan with soft constraints lacks, in words. */
function lackingTexts(world: World, set: DemandSet, solution: SoftSolution): BilingualText[] {
  const lacking: BilingualText[] = [];
  const survival = new Map<ConstraintKey, number>();
  for (const { family, place, amount } of solution.overflows) {
    if (ruleOfKey(family.key) === "survival") {
      survival.set(family.key, Math.max(survival.get(family.key) ?? 0, amount));
      continue;
    }
    lacking.push(overflowText(world, set, { family, place, amount }));
  }
  for (const { key, over } of solution.contradictions) survival.set(key, Math.max(survival.get(key) ?? 0, over));
  for (const [key, over] of survival) lacking.push(survivalRemedy(set, key, over));
  for (const [key, hosts] of solution.broken) {
    const kind = key === "rack-state" ? "rack" : key.startsWith("cluster") ? "cluster" : "host";
    const index = kind === "rack" ? world.hosts.rack : world.hosts.cluster;
    const table = kind === "host" ? world.hosts.names : kind === "rack" ? world.racks.names : world.clusters.names;
    const names = [...new Set(hosts.map((host) => table.ids[kind === "host" ? host : index[host]!]!))].sort();
    const place = texts.place(kind, names);
    lacking.push(
      remedyKind(key) === "repair" ? texts.bringBack(place) : texts.dropRule(constraintText(world, key, set.demands)),
    );
  }
  return lacking;
}

function overflowText(world: World, set: DemandSet, { family, place, amount }: Overflow): BilingualText {
  const rule = ruleOfKey(family.key);
  const subject = subjectOfKey(family.key);
  if (rule === "fixed-ip") return texts.moreIps(amount, world.racks.names.ids[place]!, subject);
  if (rule === "quota-limit") {
    return texts.moreQuota(amountText(family.resource, amount), subject, world.pools.names.ids[place]!);
  }
  if (rule === "quota-borrow") {
    return texts.moreUnguaranteed(amountText(family.resource, amount), world.pools.names.ids[place]!);
  }
  if (rule === "max-per-host" || rule === "max-per-rack") {
    const rules = set.demands.find((demand) => world.subsystems.names.ids[demand.subsystem] === subject)!.rules;
    const most = rule === "max-per-host" ? rules.maxPerHost! : rules.maxPerRack!;
    return texts.raiseMost(most + amount, family.domain, subject);
  }
  const rack = world.racks.names.ids[world.hosts.rack[place]!]!;
  return texts.moreOnHost(amountText(family.resource, amount), world.hosts.names.ids[place]!, rack);
}

/** The largest share that a survival rule may ask for when so many more are lost than it allows. */
function survivalRemedy(set: DemandSet, key: ConstraintKey, over: number): BilingualText {
  const [parts = "", subsystem = ""] = subjectOfKey(key).split("@");
  const [domain = "", of, share] = parts.split("/");
  const limit = set.survival.find(
    ({ rule }) => rule.domain === domain && rule.of === of && String(rule.sharePercent) === share,
  )!;
  const left = limit.total - limit.most - over;
  return texts.lowerSurvival(Math.max(0, Math.floor((left * 100) / limit.total)), domain, subsystem);
}

/** Fewer instances of one demand that fit; and, when it is about what is left after a loss, more. */
function countRemedies(world: World, set: DemandSet, conflict: readonly ConstraintKey[]): Tried[] {
  const remedies: Tried[] = [];
  const survives = conflict.some((key) => ruleOfKey(key) === "survival");
  for (const [at, demand] of set.demands.entries()) {
    if (demand.kind !== "place" || demand.previousHost >= 0 || !conflict.includes(countKey(world, demand))) continue;
    const subsystem = world.subsystems.names.ids[demand.subsystem]!;
    const dcn = world.dcns.names.ids[demand.dcn]!;
    const existing = world.deployments.instances[demand.deployment]!.length;
    const possible = (count: number) =>
      decide(world, withCount(set, at, count), { feasibleOnly: true }).solution.outcome === "plan";
    let fits = 0;
    let fails = demand.count;
    while (fails - fits > 1) {
      const middle = (fits + fails) >> 1;
      if (possible(middle)) fits = middle;
      else fails = middle;
    }
    if (fits > 0) remedies.push({ kind: "count", text: texts.lowerCount(existing + fits, subsystem, dcn) });
    for (let more = 1; more <= (survives ? mostMore : 0); more += 1) {
      if (!possible(demand.count + more)) continue;
      remedies.push({ kind: "count", text: texts.raiseCount(existing + demand.count + more, subsystem, dcn) });
      break;
    }
  }
  return remedies;
}
