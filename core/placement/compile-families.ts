import type { CandidateTable } from "./candidates.ts";
import { nicsInArea, resourceRules } from "./cell-rules.ts";
import type { Demand, DemandSet, SurvivalLimit } from "./demand.ts";
import type { BorrowGuard, Contradiction, Family, LocalDomain } from "./problem.ts";
import { constraintKey, type ConstraintKey } from "./rule-names.ts";
import { countDeployment, emptyCounts, type DomainCounts } from "./surroundings.ts";
import { findShare, quotaResources, resourceCount, type World } from "./world.ts";

type Options = Readonly<{
  table: CandidateTable;
  teams: readonly number[];
  teamCounts: readonly DomainCounts[];
  relaxed: ReadonlySet<ConstraintKey>;
  soft: ReadonlySet<ConstraintKey>;
}>;

type Wanted = Readonly<{
  key: ConstraintKey;
  domain: LocalDomain;
  /** The limit of a place, by its index in the world. */
  cap: (index: number) => number;
  resource?: number;
  /** Weight of an instance by demand; nought: it takes no part. */
  weights: readonly number[];
}>;

/** All rules that limit how much is in one place, as families of limits. */
export function compileFamilies(world: World, set: DemandSet, options: Options) {
  const { table, relaxed, soft } = options;
  const { demands } = set;
  const families: Family[] = [];
  const caps: number[] = [];
  const demandFamilies: number[][] = demands.map(() => []);
  const demandWeights: number[][] = demands.map(() => []);
  const contradictions: Contradiction[] = [];
  for (const wanted of wantedFamilies(world, set, options, contradictions)) {
    if (relaxed.has(wanted.key) || wanted.weights.every((weight) => weight === 0)) continue;
    const indexes = table.placeIndexes[wanted.domain];
    const family = {
      key: wanted.key,
      domain: wanted.domain,
      resource: wanted.resource ?? -1,
      base: caps.length,
      size: indexes.length,
    };
    for (const index of indexes) caps.push(wanted.cap(index));
    for (const [k, weight] of wanted.weights.entries()) {
      if (weight === 0) continue;
      demandFamilies[k]!.push(families.length);
      demandWeights[k]!.push(weight);
    }
    families.push({ ...family, soft: soft.has(wanted.key), places: table.places[wanted.domain] });
  }
  return {
    families,
    caps: Float64Array.from(caps),
    demandFamilies,
    demandWeights,
    softFamilies: demandFamilies.map((own) => [...own.keys()].filter((at) => families[own[at]!]!.soft)),
    guards: borrowGuards(world, demands, options),
    contradictions: contradictions.filter(({ key }) => !relaxed.has(key)),
  };
}

function* wantedFamilies(
  world: World,
  set: DemandSet,
  options: Options,
  contradictions: Contradiction[],
): Generator<Wanted> {
  const { demands } = set;
  const placed = (weight: (demand: Demand) => number) =>
    demands.map((demand) => (demand.kind === "place" ? weight(demand) : 0));
  for (const [r, rule] of resourceRules.entries()) {
    yield {
      key: rule,
      domain: "host",
      resource: r,
      cap: (host) => world.hosts.free[host * resourceCount + r]!,
      weights: placed((demand) => world.classes.need[demand.class * resourceCount + r]!),
    };
  }
  const areas = world.areas.ids.length;
  for (const area of new Set(demands.flatMap((demand) => demand.nics))) {
    yield {
      key: constraintKey("fixed-ip", world.areas.ids[area]),
      domain: "rack",
      cap: (rack) => world.racks.freeIps[rack * areas + area]!,
      weights: placed((demand) => nicsInArea(demand, area)),
    };
  }
  yield* mostFamilies(world, demands, options);
  for (const limit of set.survival) yield survivalFamily(world, set, { limit, contradictions });
  yield* quotaFamilies(world, demands);
  if (demands.some((demand) => demand.kind === "keep")) {
    yield {
      key: "count",
      domain: "candidate",
      cap: () => 1,
      weights: demands.map((demand) => (demand.kind === "keep" ? 1 : 0)),
    };
  }
}

/** `maxPerHost` and `maxPerRack` of each deployment; what is there already counts. */
function* mostFamilies(world: World, demands: readonly Demand[], { teams, teamCounts }: Options): Generator<Wanted> {
  for (const [team, counts] of teamCounts.entries()) {
    const first = demands[teams.indexOf(team)]!;
    const subject = world.subsystems.names.ids[first.subsystem];
    for (const [rule, most, domain] of [
      ["max-per-host", first.rules.maxPerHost, "host"],
      ["max-per-rack", first.rules.maxPerRack, "rack"],
    ] as const) {
      if (most === undefined || first.kind === "keep") continue;
      yield {
        key: constraintKey(rule, subject),
        domain,
        cap: (index) => most - (counts[domain].get(index) ?? 0),
        weights: teams.map((each, k) => (each === team && demands[k]!.kind === "place" ? 1 : 0)),
      };
    }
  }
}

function survivalFamily(
  world: World,
  set: DemandSet,
  { limit, contradictions }: Readonly<{ limit: SurvivalLimit; contradictions: Contradiction[] }>,
): Wanted {
  const { rule, most } = limit;
  const key = survivalKey(world, limit);
  const counts = emptyCounts();
  for (const deployment of limit.deployments) countDeployment(world, deployment, set.decided, counts);
  for (const [index, count] of counts[rule.domain]) {
    if (count > most) contradictions.push({ key, domain: rule.domain, index, label: "", over: count - most });
  }
  if (rule.domain === "host") {
    for (const [label, count] of counts.hypervisor) {
      if (count > most) contradictions.push({ key, domain: "host", index: -1, label, over: count - most });
    }
  }
  return {
    key,
    domain: rule.domain,
    cap: (index) => most - (counts[rule.domain].get(index) ?? 0),
    weights: set.demands.map((demand) => (limit.deployments.includes(demand.deployment) ? 1 : 0)),
  };
}

/** `survival:rack/dcn/50@5001`. */
export function survivalKey(world: World, { rule, subsystem }: SurvivalLimit): ConstraintKey {
  return constraintKey(
    "survival",
    `${rule.domain}/${rule.of}/${rule.sharePercent}@${world.subsystems.names.ids[subsystem]}`,
  );
}

/** Limits of each business in each pool, and what it may borrow for good. The rule is stated in docs/placement.md. */
function* quotaFamilies(world: World, demands: readonly Demand[]): Generator<Wanted> {
  const { shares, pools, classes } = world;
  for (const business of new Set(demands.map((demand) => demand.business))) {
    const subject = world.businesses.ids[business];
    const weights = (r: number, longTermOnly: boolean) =>
      demands.map((demand) =>
        demand.kind === "place" && demand.business === business && (!longTermOnly || demand.lifetime === "long-term")
          ? classes.need[demand.class * resourceCount + r]!
          : 0,
      );
    for (let r = 0; r < quotaResources; r += 1) {
      yield {
        key: constraintKey("quota-limit", subject),
        domain: "pool",
        resource: r,
        cap: (pool) => {
          const share = findShare(world, pool, business);
          return share < 0 ? 0 : shares.limit[share * quotaResources + r]! - shares.used[share * quotaResources + r]!;
        },
        weights: weights(r, false),
      };
      yield {
        key: "quota-borrow",
        domain: "pool",
        resource: r,
        cap: (pool) => {
          const share = findShare(world, pool, business);
          if (share < 0) return 0;
          const at = share * quotaResources + r;
          const own = Math.max(shares.guarantee[at]!, shares.longTerm[at]!);
          const others = pools.claimed[pool * quotaResources + r]! - own;
          const most = Math.max(shares.guarantee[at]!, pools.capacity[pool * quotaResources + r]! - others);
          return most - shares.longTerm[at]!;
        },
        weights: weights(r, true),
      };
    }
  }
}

/** When long-term instances of several businesses are asked for at once, their borrowing is limited together, too. */
function borrowGuards(world: World, demands: readonly Demand[], { table, relaxed, soft }: Options): BorrowGuard[] {
  const businesses = new Map<number, Map<number, Demand>>();
  for (const [k, demand] of demands.entries()) {
    if (demand.kind !== "place" || demand.lifetime !== "long-term") continue;
    businesses.set(demand.business, (businesses.get(demand.business) ?? new Map<number, Demand>()).set(k, demand));
  }
  if (businesses.size < 2 || relaxed.has("quota-borrow") || soft.has("quota-borrow")) return [];
  const guards: BorrowGuard[] = [];
  const { shares, pools } = world;
  for (const [pool, index] of table.placeIndexes.pool.entries()) {
    for (let r = 0; r < quotaResources; r += 1) {
      let capacity = pools.capacity[index * quotaResources + r]! - pools.claimed[index * quotaResources + r]!;
      const claims: BorrowGuard["claims"][number][] = [];
      for (const [business, own] of businesses) {
        const share = findShare(world, index, business);
        if (share < 0) continue;
        const at = share * quotaResources + r;
        const guarantee = shares.guarantee[at]!;
        const longTerm = shares.longTerm[at]!;
        capacity += Math.max(guarantee, longTerm);
        const needs = [...own].map(
          ([k, demand]) => [k, world.classes.need[demand.class * resourceCount + r]!] as const,
        );
        claims.push({ guarantee, longTerm, demands: new Map(needs) });
      }
      guards.push({ pool, resource: r, capacity, claims });
    }
  }
  return guards;
}
