import type { Demand } from "./demand.ts";
import type { RuleName } from "./rule-names.ts";
import { cpuAt, memoryAt, resourceCount, stateCodes, type World } from "./world.ts";

type CellRule = Readonly<{ rule: RuleName; rejects: (world: World, demand: Demand, cell: number) => boolean }>;

/** The rules that all hosts of a cell keep or break together, in the order of `ruleNames`. */
export const cellRules: readonly CellRule[] = [
  {
    rule: "idc",
    rejects: (world, demand, cell) => world.racks.idc[world.cells.rack[cell]!] !== world.dcns.idc[demand.dcn],
  },
  {
    rule: "environment",
    rejects: (world, demand, cell) => {
      const environment = world.dcns.environment[demand.dcn];
      return (
        world.clusters.environment[world.cells.cluster[cell]!] !== environment ||
        world.pools.environment[world.cells.pool[cell]!] !== environment
      );
    },
  },
  {
    rule: "dcn-clusters",
    rejects: (world, demand, cell) => {
      const clusters = world.dcns.clusters[demand.dcn]!;
      return clusters !== null && !clusters.has(world.cells.cluster[cell]!);
    },
  },
  { rule: "pool-membership", rejects: (world, demand, cell) => !demand.pools.includes(world.cells.pool[cell]!) },
  {
    rule: "cluster-state",
    rejects: (world, _demand, cell) => world.clusters.state[world.cells.cluster[cell]!] !== stateCodes.available,
  },
  { rule: "cluster-stale", rejects: (world, _demand, cell) => world.clusters.stale[world.cells.cluster[cell]!]! },
  {
    rule: "rack-state",
    rejects: (world, _demand, cell) => world.racks.state[world.cells.rack[cell]!] !== stateCodes.available,
  },
  {
    rule: "same-rack",
    rejects: (world, demand, cell) => demand.rack >= 0 && world.cells.rack[cell] !== demand.rack,
  },
  {
    rule: "host-labels",
    rejects: (world, demand, cell) => {
      const wanted = demand.rules.hostLabels;
      if (wanted === undefined) return false;
      const labels = world.labelSets.labels[world.cells.labelSet[cell]!]!;
      for (const key in wanted) if (labels[key] !== wanted[key]) return true;
      return false;
    },
  },
  {
    rule: "io-class",
    rejects: (world, demand, cell) => {
      const wanted = world.classes.ioClass[demand.class]!;
      return wanted >= 0 && world.cells.ioClass[cell] !== wanted;
    },
  },
  {
    rule: "area",
    rejects: (world, demand, cell) => {
      const areas = world.areas.ids.length;
      for (const area of demand.nics) {
        if (world.racks.subnets[world.cells.rack[cell]! * areas + area]!.length === 0) return true;
      }
      return false;
    },
  },
];

/** The rule of each resource, by its place in a vector of resources. */
export const resourceRules = ["cpu", "memory", "disk", "io", "instances-per-host"] as const satisfies RuleName[];

/** The rules of one host for one instance, alone: is it in service, and is there room. Null: nothing against it. */
export function hostReason(world: World, demand: Demand, host: number): RuleName | null {
  if (world.hosts.state[host] !== stateCodes.available) return "host-state";
  for (let r = 0; r < resourceCount; r += 1) {
    if (lacks(world, demand, host, r)) return resourceRules[r]!;
  }
  return null;
}

/** Whether a host has less of a resource free than one instance of the demand needs. */
export function lacks(world: World, demand: Demand, host: number, resource: number): boolean {
  const need = world.classes.need[demand.class * resourceCount + resource]!;
  return need > 0 && world.hosts.free[host * resourceCount + resource]! < need;
}

/** How full a host is: the larger share of its CPU and memory in use, 0 to 1 (above 1 when it shrank). */
export function loadOfHost(world: World, host: number): number {
  const { capacity, free } = world.hosts;
  const cpu = host * resourceCount + cpuAt;
  const memory = host * resourceCount + memoryAt;
  if (capacity[cpu]! <= 0 || capacity[memory]! <= 0) return 1;
  return Math.max(1 - free[cpu]! / capacity[cpu]!, 1 - free[memory]! / capacity[memory]!);
}

/** NICs that an instance has in an area. */
export function nicsInArea(demand: Demand, area: number): number {
  let nics = 0;
  for (const each of demand.nics) if (each === area) nics += 1;
  return nics;
}
