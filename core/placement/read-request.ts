import type { FailureDomain, PlacementRules } from "./estate.ts";
import { ensureDeployment, sizeOfDeployment } from "./deployment.ts";
import { mostInOneDomain, type Demand, type DemandSet, type SurvivalLimit } from "./demand.ts";
import type { Names } from "./names.ts";
import { PlacementInputError, type PlacementRequest, type RequestItem } from "./request.ts";
import { borrowedFlag, hasShare, subnetsOfInstance, temporaryFlag, type World } from "./world.ts";

const mostInstances = 10_000;
const mostItems = 1_000;

/**
 * Reads a request against the world. Instances named in `replace` still count as existing here; the caller takes them out of the
 * picture while it plans. Throws PlacementInputError.
 */
export function readRequest(world: World, request: PlacementRequest): DemandSet {
  const items = request.items ?? [];
  const replace = request.replace ?? [];
  if (items.length > mostItems || replace.length > mostInstances) {
    throw new PlacementInputError("items", "are too many", `ask for ${mostItems} items at most`);
  }
  const demands: Demand[] = [];
  const targets = new Map<number, number>();
  const rulesOf = new Map<number, PlacementRules>();
  const itemOf = new Map<number, number>();
  for (const [at, item] of items.entries()) {
    const subsystem = refer(world.subsystems.names, item.subsystem, `items[${at}].subsystem`);
    const rules = item.rules ?? world.subsystems.rules[subsystem]!;
    for (const [dcnId, count] of Object.entries(item.counts)) {
      const field = `items[${at}].counts.${dcnId}`;
      const deployment = ensureDeployment(world, subsystem, refer(world.dcns.names, dcnId, field));
      if (itemOf.has(deployment)) {
        throw new PlacementInputError(field, "is asked for twice", "keep one count for each subsystem and DCN");
      }
      itemOf.set(deployment, at);
      rulesOf.set(deployment, rules);
      targets.set(deployment, readCount(world, { item, deployment, count, field }));
    }
  }
  const decided = new Set<number>();
  for (const [deployment, target] of targets) {
    const at = itemOf.get(deployment)!;
    const shared = readItem(world, items[at]!, { at, deployment, rules: rulesOf.get(deployment)! });
    const existing = world.deployments.instances[deployment]!;
    const named = readRetired(world, items[at]!, { at, deployment });
    if (named.size > 0) {
      const left = existing.filter((row) => !named.has(row));
      if (target !== left.length) {
        const field = `items[${at}].counts.${world.dcns.names.ids[world.deployments.dcn[deployment]!]}`;
        const problem = `is ${target}, and ${left.length} are left without those that are named`;
        throw new PlacementInputError(field, problem, `give ${left.length}`);
      }
      for (const row of existing) decided.add(row);
      demands.push({ ...shared, kind: "keep", count: target, instances: left });
    } else if (target > existing.length) {
      demands.push({ ...shared, kind: "place", count: target - existing.length, instances: [] });
    } else if (target < existing.length) {
      const rows = [...existing].sort((a, b) => (world.instances.ids[a]! < world.instances.ids[b]! ? -1 : 1));
      for (const row of rows) decided.add(row);
      demands.push({ ...shared, kind: "keep", count: target, instances: rows });
    }
  }
  demands.push(...readReplacements(world, request, itemOf));
  const sizes = new Map<number, number>();
  for (const [deployment, target] of targets) {
    sizes.set(deployment, target + sizeOfDeployment(world, deployment).vms);
  }
  const changed = new Map(demands.map((demand) => [demand.deployment, demand.rules]));
  return { demands, survival: survivalLimits(world, changed, sizes), decided };
}

function readCount(
  world: World,
  { item, deployment, count, field }: Readonly<{ item: RequestItem; deployment: number; count: number; field: string }>,
): number {
  if (!Number.isInteger(count) || count < 0 || count > mostInstances) {
    throw new PlacementInputError(field, `is ${count}`, `give a whole number from 0 to ${mostInstances}`);
  }
  if (item.countVms !== true) return count;
  const { vms } = sizeOfDeployment(world, deployment);
  if (count < vms) {
    throw new PlacementInputError(
      field,
      `is ${count}, and there are ${vms} VMs, which WCS does not retire`,
      `ask for ${vms} or more`,
    );
  }
  return count - vms;
}

/** The rows of the instances of a deployment that are to go by name. */
function readRetired(
  world: World,
  item: RequestItem,
  { at, deployment }: Readonly<{ at: number; deployment: number }>,
): ReadonlySet<number> {
  const rows = new Set<number>();
  for (const [index, id] of (item.retire ?? []).entries()) {
    const row = world.instances.names.get(id);
    const field = `items[${at}].retire[${index}]`;
    if (row === undefined) throw new PlacementInputError(field, `"${id}" is not an instance`, "check the name");
    if (world.instances.deployment[row] === deployment) rows.add(row);
  }
  return rows;
}

type ItemPlace = Readonly<{ at: number; deployment: number; rules: PlacementRules }>;

function readItem(world: World, item: RequestItem, { at, deployment, rules }: ItemPlace) {
  const subsystem = world.deployments.subsystem[deployment]!;
  const business = world.subsystems.business[subsystem]!;
  const pools: number[] = [];
  if (item.pool === undefined) {
    for (let pool = 0; pool < world.pools.names.ids.length; pool += 1) {
      if (hasShare(world, pool, business)) pools.push(pool);
    }
  } else {
    const pool = refer(world.pools.names, item.pool, `items[${at}].pool`);
    if (!hasShare(world, pool, business)) {
      throw new PlacementInputError(
        `items[${at}].pool`,
        `business "${world.businesses.ids[business]}" has no share of pool "${item.pool}"`,
        "name a pool that it shares, or give it a share",
      );
    }
    pools.push(pool);
  }
  checkRules(world, rules, `items[${at}].rules`);
  if (item.areas.length === 0) {
    throw new PlacementInputError(`items[${at}].areas`, "is empty", "name the network area of each NIC");
  }
  return {
    item: at,
    deployment,
    class: refer(world.classes.names, item.class, `items[${at}].class`),
    nics: item.areas.map((area, nic) => refer(world.areas, area, `items[${at}].areas[${nic}]`)),
    lifetime: item.lifetime ?? "long-term",
    business,
    subsystem,
    dcn: world.deployments.dcn[deployment]!,
    pools,
    rules,
    previousHost: -1,
    rack: -1,
  } as const;
}

function checkRules(world: World, rules: PlacementRules, field: string): void {
  for (const name of ["maxPerHost", "maxPerRack"] as const) {
    const most = rules[name];
    if (most !== undefined && !(Number.isInteger(most) && most >= 1)) {
      throw new PlacementInputError(`${field}.${name}`, `is ${most}`, "give a whole number of 1 or more");
    }
  }
  for (const [at, { sharePercent }] of (rules.survival ?? []).entries()) {
    if (!(sharePercent >= 0 && sharePercent <= 100)) {
      throw new PlacementInputError(`${field}.survival[${at}].sharePercent`, `is ${sharePercent}`, "give 0 to 100");
    }
  }
  for (const name of ["together", "apart"] as const) {
    for (const [at, { subsystem }] of (rules[name] ?? []).entries()) {
      refer(world.subsystems.names, subsystem, `${field}.${name}[${at}].subsystem`);
    }
  }
}

/** What an existing instance needs, as if it were asked for anew. */
export function demandOfInstance(world: World, row: number, { stayInRack }: Readonly<{ stayInRack: boolean }>): Demand {
  const { instances } = world;
  const deployment = instances.deployment[row]!;
  const subsystem = world.deployments.subsystem[deployment]!;
  const business = world.subsystems.business[subsystem]!;
  const pool = world.hosts.pool[instances.host[row]!]!;
  const others = [...world.pools.names.ids.keys()].filter((other) => hasShare(world, other, business));
  return {
    kind: "place",
    item: -1,
    deployment,
    count: 1,
    class: instances.class[row]!,
    nics: subnetsOfInstance(world, row).map((subnet) => world.subnets.area[subnet]!),
    lifetime: (instances.flags[row]! & temporaryFlag) === 0 ? "long-term" : "temporary",
    business,
    subsystem,
    dcn: world.deployments.dcn[deployment]!,
    pools: others.includes(pool) ? others : [pool, ...others],
    rules: stayInRack ? rulesBelowRack(world.subsystems.rules[subsystem]!) : world.subsystems.rules[subsystem]!,
    previousHost: instances.host[row]!,
    rack: stayInRack ? world.hosts.rack[instances.host[row]!]! : -1,
    instances: [row],
  };
}

function readReplacements(
  world: World,
  { replace = [], stayInRack = false }: PlacementRequest,
  itemOf: ReadonlyMap<number, number>,
): Demand[] {
  const { instances } = world;
  const groups = new Map<string, number[]>();
  const seen = new Set<string>();
  for (const [at, id] of replace.entries()) {
    const row = instances.names.get(id);
    const field = `replace[${at}]`;
    if (row === undefined) throw new PlacementInputError(field, `"${id}" is not an instance`, "check the id");
    if (seen.has(id)) throw new PlacementInputError(field, `"${id}" is named twice`, "name it once");
    seen.add(id);
    if (itemOf.has(instances.deployment[row]!)) {
      throw new PlacementInputError(field, `"${id}" is of a DCN whose count the request changes`, "make two requests");
    }
    const key = [
      instances.deployment[row],
      instances.host[row],
      instances.class[row],
      instances.flags[row]! & temporaryFlag,
      ...subnetsOfInstance(world, row).map((subnet) => world.subnets.area[subnet]),
    ].join("/");
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const keyOf = (rows: readonly number[]) => rows.map((row) => instances.ids[row]).join();
  const sorted = [...groups.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return sorted.map((rows) => ({
    ...demandOfInstance(world, rows[0]!, { stayInRack }),
    count: rows.length,
    instances: rows,
  }));
}

/** A move within a rack changes nothing about racks and IDCs, so their rules can't forbid it. */
function rulesBelowRack(rules: PlacementRules): PlacementRules {
  const below = <T extends Readonly<{ domain: FailureDomain }>>(list: readonly T[] = []) =>
    list.filter(({ domain }) => domain !== "rack" && domain !== "idc");
  const { maxPerHost, hostLabels } = rules;
  return {
    ...(maxPerHost === undefined ? {} : { maxPerHost }),
    ...(hostLabels === undefined ? {} : { hostLabels }),
    survival: below(rules.survival),
    together: below(rules.together),
    apart: below(rules.apart),
  };
}

/** The survival rules of the deployments that change, with the sizes that they will have. */
export function survivalLimits(
  world: World,
  changed: ReadonlyMap<number, PlacementRules>,
  sizes: ReadonlyMap<number, number>,
): SurvivalLimit[] {
  const sizeAfter = (deployment: number) => {
    const { instances, vms } = sizeOfDeployment(world, deployment);
    return sizes.get(deployment) ?? instances + vms;
  };
  const limits = new Map<string, SurvivalLimit>();
  for (const [deployment, rules] of changed) {
    const subsystem = world.deployments.subsystem[deployment]!;
    const group = world.dcns.group[world.deployments.dcn[deployment]!]!;
    for (const rule of rules.survival ?? []) {
      const deployments =
        rule.of === "dcn"
          ? [deployment]
          : world.subsystems.deployments[subsystem]!.filter(
              (other) => world.dcns.group[world.deployments.dcn[other]!] === group,
            );
      const total = deployments.reduce((sum, each) => sum + sizeAfter(each), 0);
      const key = `${rule.domain}/${rule.of}/${rule.sharePercent}/${[...deployments].sort((a, b) => a - b).join()}`;
      limits.set(key, { rule, subsystem, deployments, total, most: mostInOneDomain(total, rule.sharePercent) });
    }
  }
  return [...limits.values()];
}

/** Whether an instance was placed beyond its business's guarantee, or is temporary: those go first. */
export function keepAmount(world: World, instance: number): number {
  const flags = world.instances.flags[instance]!;
  return ((flags & temporaryFlag) === 0 ? 0 : 1) + ((flags & borrowedFlag) === 0 ? 0 : 1);
}

function refer(names: Names, id: string, field: string): number {
  const index = names.index.get(id);
  if (index === undefined) throw new PlacementInputError(field, `"${id}" is not known`, "check the name");
  return index;
}
