import { cellRules, lacks, resourceRules } from "./cell-rules.ts";
import { candidateTable, type CandidateTable } from "./candidates.ts";
import { compileFamilies } from "./compile-families.ts";
import type { Demand, DemandSet } from "./demand.ts";
import { fixedCost, keepCost } from "./fixed-cost.ts";
import { keepCovers, neededCovers, sharedCovers } from "./keep-cover.ts";
import { softPenalty, type Contradiction, type LocalDomain, type Problem, type ProblemAffinity } from "./problem.ts";
import { constraintKey, ruleOfKey, type ConstraintKey } from "./rule-names.ts";
import { shortlist } from "./shortlist.ts";
import { affinitiesOf, countDeployment, type DomainCounts } from "./surroundings.ts";
import { cpuAt, memoryAt, resourceCount, stateCodes, type World } from "./world.ts";

/** `relaxed`: constraints left out; `soft`: constraints that only cost. `quick`: look at the hosts that seem best first. */
export type CompileOptions = Readonly<{
  relaxed?: ReadonlySet<ConstraintKey>;
  soft?: ReadonlySet<ConstraintKey>;
  quick?: boolean;
}>;

const none: ReadonlySet<ConstraintKey> = new Set();

/** Turns a set of demands into what the solver works on. */
export function compileProblem(world: World, set: DemandSet, options: CompileOptions = {}): Problem {
  const relaxed = options.relaxed ?? none;
  const soft = options.soft ?? none;
  const kept = set.demands.filter((demand) => !relaxed.has(countKey(world, demand)));
  const { demands, within, contradictions } = splitKeeps(world, { ...set, demands: kept }, relaxed);
  const active: DemandSet = { ...set, demands };

  const teamOf = new Map<number, number>();
  for (const { deployment } of demands) if (!teamOf.has(deployment)) teamOf.set(deployment, teamOf.size);
  const teamCounts = [...teamOf.keys()].map((deployment) => countDeployment(world, deployment, set.decided));
  const teams = demands.map((demand) => teamOf.get(demand.deployment)!);

  const hostLists = demands.map((demand, k) =>
    demand.kind === "keep"
      ? null
      : hostsFor(world, demand, { relaxed, soft, quick: options.quick, counts: teamCounts[teams[k]!]! }),
  );
  const complete = hostLists.every((list) => list === null || list.complete);
  const table = candidateTable(
    world,
    hostLists.map((list) => list?.hosts ?? []),
    demands.filter((demand) => demand.kind === "keep").flatMap((demand) => demand.instances),
  );

  const allowed = new Uint8Array(demands.length * table.count);
  const fixedCosts = new Float64Array(demands.length * table.count);
  const softRules = new Map<number, readonly ConstraintKey[]>();
  for (const [k, demand] of demands.entries()) {
    const list = hostLists[k] ?? null;
    if (list !== null) {
      for (const [at, host] of list.hosts.entries()) {
        const slot = k * table.count + table.ofHost.get(host)!;
        allowed[slot] = 1;
        fixedCosts[slot] = fixedCost(world, demand, host);
        const broken = list.broken?.[at];
        if (broken !== undefined && broken.length > 0) {
          fixedCosts[slot] += broken.length * softPenalty;
          softRules.set(slot, broken);
        }
      }
    } else {
      for (const row of demand.instances) {
        const place = within[k];
        if (place?.has(row) === false) continue;
        const slot = k * table.count + table.ofInstance.get(row)!;
        allowed[slot] = 1;
        fixedCosts[slot] = keepCost(world, row);
      }
    }
  }

  const affinities = demands.map((demand) => localAffinities(world, active, { demand, table, relaxed, soft }));
  const compiled = compileFamilies(world, active, { table, teams, teamCounts, relaxed, soft });
  const pools = table.placeIndexes.pool;
  const bigOf = (at: number) =>
    Int32Array.from(table.places.pool, (place) => {
      const big = world.pools.bigClass[pools[place]!]!;
      return big < 0 ? -1 : world.classes.need[big * resourceCount + at]!;
    });
  const freeOf = (at: number) =>
    Float64Array.from(table.placeIndexes.host, (host) => world.hosts.free[host * resourceCount + at]!);
  const need = (at: number) => demands.map(({ class: index }) => world.classes.need[index * resourceCount + at]!);
  const profileOf = new Map<number, number>();
  const profiles = demands.map(({ subsystem, kind }) => {
    const profile = world.subsystems.profile[subsystem]!;
    if (profile < 0 || kind === "keep") return -1;
    if (!profileOf.has(profile)) profileOf.set(profile, profileOf.size);
    return profileOf.get(profile)!;
  });
  return {
    demands,
    candidates: table.count,
    hosts: table.hosts,
    instances: table.instances,
    tieKeys: table.tieKeys,
    places: table.places,
    placeCounts: table.placeCounts,
    placeIndexes: table.placeIndexes,
    allowed,
    fixedCosts,
    softRules,
    ...compiled,
    contradictions: [...compiled.contradictions, ...contradictions],
    teams,
    teamCount: teamOf.size,
    basePairs: {
      host: basePairs(table, "host", teamCounts),
      rack: basePairs(table, "rack", teamCounts),
      cluster: basePairs(table, "cluster", teamCounts),
    },
    bigCpu: bigOf(cpuAt),
    bigMemory: bigOf(memoryAt),
    freeCpu: freeOf(cpuAt),
    freeMemory: freeOf(memoryAt),
    needCpu: need(cpuAt),
    needMemory: need(memoryAt),
    profiles,
    profileCount: profileOf.size,
    ioHeavy: demands.map(({ subsystem, kind }) => kind === "place" && world.subsystems.ioHeavy[subsystem]!),
    ioSensitive: demands.map(({ subsystem, kind }) => kind === "place" && world.subsystems.ioSensitive[subsystem]!),
    affinities,
    hasAffinity: affinities.some((list) => list.some((each) => each.partners.length > 0)),
    complete,
  };
}

/** The constraint that a demand be met at all. */
export function countKey(world: World, demand: Demand): ConstraintKey {
  const subsystem = world.subsystems.names.ids[demand.subsystem];
  return constraintKey("count", `${subsystem}/${world.dcns.names.ids[demand.dcn]}`);
}

type HostList = { hosts: number[]; broken?: ConstraintKey[][]; complete: boolean };

/** Hosts that keep every rule that one host alone can keep or break. */
function hostsFor(
  world: World,
  demand: Demand,
  {
    relaxed,
    soft,
    quick,
    counts,
  }: Readonly<{
    relaxed: ReadonlySet<ConstraintKey>;
    soft: ReadonlySet<ConstraintKey>;
    quick: boolean | undefined;
    counts: DomainCounts;
  }>,
): HostList {
  const { onlyHost } = demand;
  if (quick === true && onlyHost === undefined) {
    const hosts = shortlist(world, demand, counts);
    if (hosts !== null) return { hosts, complete: false };
  }
  const hosts: number[] = [];
  const broken: ConstraintKey[][] = [];
  const places = [relaxed, soft].some((set) => set.has("idc") || set.has("pool-membership"))
    ? [...world.cells.rack.keys()]
    : cellsInReach(world, demand);
  for (const cell of places) {
    const brokenByCell: ConstraintKey[] = [];
    const rejected = cellRules.some(({ rule, rejects }) => {
      if (relaxed.has(rule) || !rejects(world, demand, cell)) return false;
      if (!soft.has(rule)) return true;
      brokenByCell.push(rule);
      return false;
    });
    if (rejected) continue;
    for (const host of world.cells.hosts[cell]!) {
      if (onlyHost !== undefined && host !== onlyHost) continue;
      const brokenByHost = [...brokenByCell];
      if (world.hosts.state[host] !== stateCodes.available && !relaxed.has("host-state")) {
        if (!soft.has("host-state")) continue;
        brokenByHost.push("host-state");
      }
      const full = resourceRules.some(
        (rule, r) => !relaxed.has(rule) && !soft.has(rule) && lacks(world, demand, host, r),
      );
      if (full) continue;
      hosts.push(host);
      broken.push(brokenByHost);
    }
  }
  return { hosts, broken, complete: true };
}

function cellsInReach(world: World, demand: Demand): number[] {
  const pools = world.pools.names.ids.length;
  const idc = world.dcns.idc[demand.dcn]!;
  return demand.pools.flatMap((pool) => world.cells.byIdcAndPool.get(idc * pools + pool) ?? []);
}

/** The instances of which one must stay. */
type Within = ReadonlySet<number>;

/**
 * A shrinking deployment that must stay somewhere is split: one instance for each such place, and the rest. More places than
 * instances that are to stay: a contradiction.
 */
function splitKeeps(world: World, set: DemandSet, relaxed: ReadonlySet<ConstraintKey>) {
  const demands: Demand[] = [];
  const within: (Within | undefined)[] = [];
  const contradictions: Contradiction[] = [];
  for (const demand of set.demands) {
    if (demand.kind === "place") {
      demands.push(demand);
      within.push(undefined);
      continue;
    }
    const covers = neededCovers(keepCovers(world, set, demand).filter((cover) => !relaxed.has(cover.key)));
    const shared = sharedCovers(covers, demand.count);
    for (const { key, domain, index } of shared === null ? covers : []) {
      contradictions.push({ key, domain, index, label: "", over: 1 });
    }
    const staying = shared ?? covers.slice(0, demand.count).map(({ rows }) => rows);
    for (const rows of staying) {
      demands.push({ ...demand, count: 1 });
      within.push(rows);
    }
    demands.push({ ...demand, count: demand.count - staying.length });
    within.push(undefined);
  }
  return { demands, within, contradictions };
}

function basePairs(table: CandidateTable, domain: "host" | "rack" | "cluster", counts: readonly DomainCounts[]) {
  const places = table.placeCounts[domain];
  const base = new Int32Array(counts.length * places);
  for (const [team, each] of counts.entries()) {
    for (const [place, index] of table.placeIndexes[domain].entries()) {
      base[team * places + place] = each[domain].get(index) ?? 0;
    }
  }
  return base;
}

/** Affinities of a demand in terms of the candidates' places; soft ones are left out, the remedy for them is to drop them. */
function localAffinities(
  world: World,
  set: DemandSet,
  {
    demand,
    table,
    relaxed,
    soft,
  }: Readonly<{
    demand: Demand;
    table: CandidateTable;
    relaxed: ReadonlySet<ConstraintKey>;
    soft: ReadonlySet<ConstraintKey>;
  }>,
): ProblemAffinity[] {
  return affinitiesOf(world, set, demand)
    .filter(({ key }) => !relaxed.has(key) && !soft.has(key))
    .map(({ kind, key, domain, existing, partners }) => ({
      kind,
      key,
      domain: domain satisfies LocalDomain,
      partners,
      settled: Uint8Array.from(table.placeIndexes[domain], (index) => (existing.has(index) ? 1 : 0)),
    }));
}

/** The constraints that can be left out or made soft for a set of demands, most specific first. */
export function constraintsOf(world: World, set: DemandSet): ConstraintKey[] {
  const keys = new Set<ConstraintKey>();
  const problem = compileProblem(world, set);
  for (const list of problem.affinities) for (const { key } of list) keys.add(key);
  for (const { key } of problem.families) if (ruleOfKey(key) !== "count") keys.add(key);
  for (const { key } of problem.contradictions) keys.add(key);
  return [...keys];
}
