import type { FailureDomain } from "./estate.ts";
import type { Demand, DemandSet } from "./demand.ts";
import { constraintKey, type ConstraintKey } from "./rule-names.ts";
import { idcOfHost, type World } from "./world.ts";

/** How many instances and VMs of a deployment each host, rack, cluster and IDC has. */
export type DomainCounts = Readonly<Record<FailureDomain, Map<number, number>> & { hypervisor: Map<string, number> }>;

export function emptyCounts(): DomainCounts {
  return { host: new Map(), rack: new Map(), cluster: new Map(), idc: new Map(), hypervisor: new Map() };
}

/** Counts the instances of a deployment, but those in `without`, and its VMs. A VM is in a rack and an IDC, in no cluster. */
export function countDeployment(
  world: World,
  deployment: number,
  without: ReadonlySet<number>,
  counts: DomainCounts = emptyCounts(),
): DomainCounts {
  for (const row of world.deployments.instances[deployment]!) {
    if (without.has(row)) continue;
    const host = world.instances.host[row]!;
    add(counts.host, host);
    add(counts.rack, world.hosts.rack[host]!);
    add(counts.cluster, world.hosts.cluster[host]!);
    add(counts.idc, idcOfHost(world, host));
  }
  for (const vm of world.deployments.vms[deployment]!) {
    add(counts.rack, vm.rack);
    add(counts.idc, world.racks.idc[vm.rack]!);
    if (vm.host !== "") add(counts.hypervisor, vm.host);
  }
  return counts;
}

function add<K>(map: Map<K, number>, key: K): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}

/** The index of the domain of one kind that a host is in. */
export function domainOfHost(world: World, host: number, domain: FailureDomain): number {
  if (domain === "host") return host;
  if (domain === "rack") return world.hosts.rack[host]!;
  return domain === "cluster" ? world.hosts.cluster[host]! : idcOfHost(world, host);
}

/**
 * A required affinity of a demand. `existing`: the domains where the other subsystem already is and stays. `partners`: the
 * demands of the request that place or keep it.
 */
export type Affinity = Readonly<{
  kind: "apart" | "together";
  key: ConstraintKey;
  domain: FailureDomain;
  existing: ReadonlySet<number>;
  partners: readonly number[];
}>;

/** The affinities that bind a demand: those of its own rules, and those by which others want to be apart from it. */
export function affinitiesOf(world: World, set: DemandSet, demand: Demand): Affinity[] {
  const affinities: Affinity[] = [];
  const link = (kind: Affinity["kind"], other: number, domain: FailureDomain) => {
    const partners = [...set.demands.keys()].filter((at) => {
      const each = set.demands[at]!;
      return each.subsystem === other && (kind === "apart" || each.dcn === demand.dcn);
    });
    const existing = new Set<number>();
    for (const deployment of world.subsystems.deployments[other]!) {
      if (kind === "together" && world.deployments.dcn[deployment] !== demand.dcn) continue;
      for (const index of countDeployment(world, deployment, set.decided)[domain].keys()) existing.add(index);
    }
    const names = world.subsystems.names.ids;
    const key = constraintKey(kind, `${names[demand.subsystem]}~${names[other]}/${domain}`);
    if (!affinities.some((known) => known.key === key)) affinities.push({ kind, key, domain, existing, partners });
  };
  const index = (id: string) => world.subsystems.names.index.get(id)!;
  if (demand.kind === "place") {
    for (const { subsystem, domain } of demand.rules.apart ?? []) link("apart", index(subsystem), domain);
    const own = world.subsystems.names.ids[demand.subsystem]!;
    for (const other of new Set([
      ...world.subsystems.apartOf[demand.subsystem]!,
      ...set.demands.map((each) => each.subsystem),
    ])) {
      const rules = set.demands.find((each) => each.subsystem === other)?.rules ?? world.subsystems.rules[other]!;
      for (const { subsystem, domain } of rules.apart ?? []) {
        if (subsystem === own) link("apart", other, domain);
      }
    }
  }
  for (const { subsystem, domain } of demand.rules.together ?? []) {
    const other = index(subsystem);
    const decidedToo = set.demands.some(
      (each) => each.subsystem === other && each.dcn === demand.dcn && each.kind === "keep",
    );
    if (demand.kind === "place" || decidedToo) link("together", other, domain);
  }
  return affinities;
}
