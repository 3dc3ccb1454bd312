import { applyPlan, undoPlan, type PlanJournal } from "./apply-plan.ts";
import { addInstance, removeInstance, withoutInstances } from "./change-instance.ts";
import { setHostState } from "./change-host.ts";
import type { FailureDomain, InstanceRecord, OperatingState, SurvivalRule } from "./estate.ts";
import { planPlacement } from "./plan-placement.ts";
import { decide } from "./decide.ts";
import { describePlan } from "./describe-plan.ts";
import { readRequest } from "./read-request.ts";
import { PlacementInputError, type PlacementPlan, type PlannedInstance } from "./request.ts";
import { domainOfHost } from "./surroundings.ts";
import { texts, type BilingualText } from "./texts.ts";
import { idcOfHost, isThere, stateCodes, type World } from "./world.ts";

/** For so many deployments that find no place it is worked out why; the reason is mostly the same. */
const mostRefusals = 5;

/** A rule that no longer would hold, or that the loss shows not to have held: less than its share is left. */
export type BrokenSurvival = Readonly<{ rule: SurvivalRule; before: number; left: number; mustBeLeft: number }>;

/** What one subsystem in one DCN loses, and where its instances could go again. */
export type DeploymentLoss = Readonly<{
  subsystem: string;
  dcn: string;
  group: string;
  before: number;
  lostInstances: readonly string[];
  lostVms: number;
  left: number;
  /** Left in the whole DCN group, of so many before. */
  groupBefore: number;
  groupLeft: number;
  broken: readonly BrokenSurvival[];
  replacements: readonly PlannedInstance[];
  /** Lost instances for which no place was found, and why. */
  unplaced: readonly string[];
  refusal: BilingualText | null;
}>;

export type LossReport = Readonly<{
  domain: FailureDomain;
  id: string;
  hosts: number;
  instances: number;
  vms: number;
  deployments: readonly DeploymentLoss[];
}>;

/**
 * What if a host, rack, cluster or IDC is lost: who loses what, which survival rules break, and where the lost instances could
 * go, the most important (those with the largest share lost) first. The world is the same afterwards.
 */
export function simulateLoss(world: World, domain: FailureDomain, id: string): LossReport {
  const index = namesOf(world, domain).index.get(id);
  if (index === undefined) throw new PlacementInputError(domain, `"${id}" is not known`, "check the name");
  const hosts = [...world.hosts.names.ids.keys()].filter(
    (host) => isThere(world, host) && domainOfHost(world, host, domain) === index,
  );
  const lost = lostByDeployment(world, new Set(hosts), domain, index);
  const groupSizes = new Map<string, { before: number; lost: number }>();
  for (const deployment of world.deployments.subsystem.keys()) {
    const key = groupKey(world, deployment);
    const size = groupSizes.get(key) ?? { before: 0, lost: 0 };
    const gone = lost.get(deployment);
    size.before += sizeOf(world, deployment);
    size.lost += (gone?.rows.length ?? 0) + (gone?.vms ?? 0);
    groupSizes.set(key, size);
  }
  const reports = [...lost].map(([deployment, { rows, vms }]) => {
    const before = sizeOf(world, deployment);
    const left = before - rows.length - vms;
    const group = groupSizes.get(groupKey(world, deployment))!;
    return {
      subsystem: world.subsystems.names.ids[world.deployments.subsystem[deployment]!]!,
      dcn: world.dcns.names.ids[world.deployments.dcn[deployment]!]!,
      group: world.groups.ids[world.dcns.group[world.deployments.dcn[deployment]!]!]!,
      before,
      lostInstances: rows.map((row) => world.instances.ids[row]!).sort(),
      lostVms: vms,
      left,
      groupBefore: group.before,
      groupLeft: group.before - group.lost,
      broken: brokenRules(world, deployment, { domain, before, left, group }),
    };
  });
  const name = (each: (typeof reports)[number]) => `${each.subsystem}/${each.dcn}`;
  reports.sort((a, b) => a.left / a.before - b.left / b.before || (name(a) < name(b) ? -1 : 1));
  const replaced = replaceLost(world, hosts, reports);
  return {
    domain,
    id,
    hosts: hosts.length,
    instances: reports.reduce((sum, each) => sum + each.lostInstances.length, 0),
    vms: reports.reduce((sum, each) => sum + each.lostVms, 0),
    deployments: reports.map((each, at) => ({ ...each, ...replaced[at]! })),
  };
}

function namesOf(world: World, domain: FailureDomain) {
  if (domain === "host") return world.hosts.names;
  if (domain === "rack") return world.racks.names;
  return domain === "cluster" ? world.clusters.names : world.idcs;
}

function sizeOf(world: World, deployment: number): number {
  return world.deployments.instances[deployment]!.length + world.deployments.vms[deployment]!.length;
}

function groupKey(world: World, deployment: number): string {
  return `${world.deployments.subsystem[deployment]}/${world.dcns.group[world.deployments.dcn[deployment]!]}`;
}

function lostByDeployment(world: World, hosts: ReadonlySet<number>, domain: FailureDomain, index: number) {
  const lost = new Map<number, { rows: number[]; vms: number }>();
  const of = (deployment: number) => {
    const known = lost.get(deployment) ?? { rows: [], vms: 0 };
    lost.set(deployment, known);
    return known;
  };
  for (let row = 0; row < world.instances.ids.length; row += 1) {
    const host = world.instances.host[row]!;
    if (host >= 0 && hosts.has(host)) of(world.instances.deployment[row]!).rows.push(row);
  }
  for (const [deployment, vms] of world.deployments.vms.entries()) {
    for (const vm of vms) {
      const gone = domain === "rack" ? vm.rack === index : domain === "idc" && world.racks.idc[vm.rack] === index;
      if (gone) of(deployment).vms += 1;
    }
  }
  return lost;
}

type Sizes = Readonly<{
  domain: FailureDomain;
  before: number;
  left: number;
  group: Readonly<{ before: number; lost: number }>;
}>;

function brokenRules(world: World, deployment: number, { domain, before, left, group }: Sizes): BrokenSurvival[] {
  const rules = world.subsystems.rules[world.deployments.subsystem[deployment]!]!.survival ?? [];
  return rules
    .filter((rule) => rule.domain === domain)
    .map((rule) => {
      const total = rule.of === "dcn" ? before : group.before;
      const still = rule.of === "dcn" ? left : group.before - group.lost;
      return { rule, before: total, left: still, mustBeLeft: Math.ceil((total * rule.sharePercent) / 100) };
    })
    .filter((each) => each.left < each.mustBeLeft);
}

type Lost = Readonly<{ subsystem: string; dcn: string; lostInstances: readonly string[] }>;

type Replaced = Readonly<{
  replacements: readonly PlannedInstance[];
  unplaced: readonly string[];
  refusal: BilingualText | null;
}>;

/** Plans the lost instances anew, deployment by deployment, in a world without the lost hosts; undoes all of it. */
function replaceLost(world: World, hosts: readonly number[], lost: readonly Lost[]): Replaced[] {
  const states = hosts.map((host) => stateOfCode(world.hosts.state[host]!));
  const journals: PlanJournal[] = [];
  const gone: InstanceRecord[] = [];
  let refusals = 0;
  const hostsOfIdc = world.idcs.ids.map((_, idc) => hostsInIdc(world, idc));
  for (const host of hosts) setHostState(world, host, "offline");
  try {
    const records = lost.map(({ lostInstances }) => lostInstances.map((id) => removeInstance(world, id)));
    gone.push(...records.flat());
    return records.map((own): Replaced => {
      const ids = own.map(({ id }) => id);
      const dcn = world.dcns.names.index.get(own[0]?.dcn ?? "") ?? 0;
      if (hosts.length === hostsOfIdc[world.dcns.idc[dcn]!]) {
        return { replacements: [], unplaced: ids, refusal: ids.length === 0 ? null : texts.idcLost };
      }
      // They are put back on their lost hosts, so that the plan is one of moving them.
      for (const record of own) addInstance(world, record);
      const plan = planAsMany(world, ids);
      const placed = plan === null ? [] : plan.places.map(({ replaces }) => replaces!);
      const unplaced = ids.filter((id) => !placed.includes(id));
      let refusal: BilingualText | null = null;
      if (unplaced.length > 0) {
        refusal = refusals < mostRefusals ? refusalOf(world, ids) : texts.noPlace;
        refusals += 1;
      }
      for (const id of unplaced) removeInstance(world, id);
      if (plan !== null) journals.push(applyPlan(world, plan, ({ replaces }) => replaces!));
      return { replacements: plan?.places ?? [], unplaced, refusal };
    });
  } finally {
    for (const journal of journals.reverse()) undoPlan(world, journal);
    for (const record of gone.reverse()) if (!world.instances.names.has(record.id)) addInstance(world, record);
    for (const [at, host] of hosts.entries()) setHostState(world, host, states[at]!);
  }
}

function refusalOf(world: World, ids: readonly string[]): BilingualText | null {
  const answer = planPlacement(world, { replace: ids });
  return answer.outcome === "refusal" ? answer.text : null;
}

/** A plan for the longest beginning of the list that can be placed; null when not even the first can. */
function planAsMany(world: World, ids: readonly string[]): PlacementPlan | null {
  const planFirst = (count: number): PlacementPlan | null => {
    const chosen = ids.slice(0, count);
    return withoutInstances(world, ids.slice(count), () => {
      const set = readRequest(world, { replace: chosen });
      return withoutInstances(world, chosen, () => {
        const { problem, solution } = decide(world, set);
        return solution.outcome === "plan" ? describePlan(world, set, { problem, state: solution.state }) : null;
      });
    });
  };
  let best = planFirst(ids.length);
  if (best !== null) return best;
  let low = 0;
  let high = ids.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const plan = planFirst(middle);
    if (plan === null) high = middle;
    else {
      low = middle;
      best = plan;
    }
  }
  return best;
}

function hostsInIdc(world: World, idc: number): number {
  let hosts = 0;
  for (let host = 0; host < world.hosts.names.ids.length; host += 1) {
    if (isThere(world, host) && idcOfHost(world, host) === idc) hosts += 1;
  }
  return hosts;
}

/** The state that a code of the picture stands for. */
export function stateOfCode(code: number): OperatingState {
  return code === stateCodes.available ? "available" : code === stateCodes.unavailable ? "unavailable" : "offline";
}
