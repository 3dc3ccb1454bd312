import type { ClassRecord, OperatingState, PlacementRules } from "./estate.ts";
import type { Names } from "./names.ts";

/** What a host has a number of. `memoryMiB` and the like fit 32 bits: 2 PiB; CPU: two million cores. */
export const resources = ["cpuMilli", "memoryMiB", "diskGiB", "ioMiBps", "instances"] as const;
export const resourceCount = resources.length;

/** Where `cpuMilli` and `memoryMiB`, the two resources of a quota, are in a vector of resources. */
export const cpuAt = 0;
export const memoryAt = 1;
export const quotaResources = 2;

export const stateCodes: Readonly<Record<OperatingState, number>> = { available: 0, unavailable: 1, offline: 2 };

/**
 * The engine's picture of the estate: tables of typed arrays, addressed by index. It is changed only by the functions of
 * change-world.ts, one instance or host at a time; no request scans it. Two pictures of one estate give the same plans, in
 * whatever order they were put together.
 */
export type World = {
  readonly idcs: Names;
  readonly environments: Names;
  readonly areas: Names;
  readonly businesses: Names;
  readonly groups: Names;
  readonly profiles: Names;
  readonly ioClasses: Names;
  readonly labelSets: LabelSets;
  readonly clusters: ClusterTable;
  readonly racks: RackTable;
  readonly subnets: SubnetTable;
  readonly pools: PoolTable;
  readonly shares: ShareTable;
  readonly classes: ClassTable;
  readonly dcns: DcnTable;
  readonly subsystems: SubsystemTable;
  readonly deployments: DeploymentTable;
  readonly hosts: HostTable;
  readonly cells: CellTable;
  readonly instances: InstanceTable;
};

export type LabelSets = Readonly<{ names: Names; labels: Readonly<Record<string, string>>[] }>;

export type ClusterTable = Readonly<{
  names: Names;
  idc: number[];
  environment: number[];
  state: number[];
  stale: boolean[];
}>;

/** `fixedIps`, `freeIps` and `subnets` are addressed by rack * areas + area. */
export type RackTable = Readonly<{
  names: Names;
  key: number[];
  idc: number[];
  state: number[];
  fixedIps: Int32Array;
  freeIps: Int32Array;
  subnets: number[][];
}>;

export type SubnetTable = Readonly<{ names: Names; rack: number[]; area: number[]; fixed: number[]; free: Int32Array }>;

/**
 * `capacity`: what its hosts that are not offline can promise, by pool * 2 + resource. `claimed`: the sum over businesses of
 * the larger of guarantee and long-term use: what is not lent for good.
 */
export type PoolTable = Readonly<{
  names: Names;
  environment: number[];
  cpuOvercommitPercent: number[];
  bigClass: number[];
  shares: number[][];
  capacity: Float64Array;
  claimed: Float64Array;
}>;

/** One business in one pool; numbers by share * 2 + resource. `slot`: by pool and business. `granted`: by the pool, not only by use. */
export type ShareTable = Readonly<{
  slot: Map<number, number>;
  pool: number[];
  business: number[];
  granted: boolean[];
  guarantee: number[];
  limit: number[];
  used: number[];
  longTerm: number[];
}>;

/** `need`: by class * resources. `ioClass`: -1 for any. */
export type ClassTable = Readonly<{ names: Names; records: ClassRecord[]; need: number[]; ioClass: number[] }>;

export type DcnTable = Readonly<{
  names: Names;
  group: number[];
  idc: number[];
  environment: number[];
  /** Null: any of its IDC and environment. */
  clusters: (ReadonlySet<number> | null)[];
  databaseRack: number[];
}>;

export type SubsystemTable = Readonly<{
  names: Names;
  business: number[];
  profile: number[];
  ioHeavy: boolean[];
  ioSensitive: boolean[];
  rules: PlacementRules[];
  deployments: number[][];
  /** Subsystems whose rules name this one as one to be apart from, and as one to be together with. */
  apartOf: number[][];
  togetherOf: number[][];
}>;

/** A subsystem in a DCN. `vms`: where its VMs are; `host` is the index of a hypervisor's name or -1. */
export type DeploymentTable = Readonly<{
  slot: Map<number, number>;
  subsystem: number[];
  dcn: number[];
  instances: number[][];
  vms: Readonly<{ rack: number; host: string }>[][];
}>;

/**
 * `capacity` and `free` are addressed by host * resources + resource; free may be below nought when a host shrank. `profileCount`
 * by host * profiles + profile.
 */
export type HostTable = {
  readonly names: Names;
  rack: Int32Array;
  cluster: Int32Array;
  pool: Int32Array;
  cell: Int32Array;
  state: Uint8Array;
  key: Uint32Array;
  allocatable: Int32Array;
  capacity: Int32Array;
  free: Int32Array;
  profileCount: Uint16Array;
  ioHeavy: Uint16Array;
  ioSensitive: Uint16Array;
};

/**
 * Hosts of one rack, cluster, pool, set of labels and kind of disk. `maxFree` is an upper bound of what any of its hosts has
 * free, made tight when a search finds it too high; `used` and `capacity` are of CPU and memory, by cell * 2 + resource.
 */
export type CellTable = Readonly<{
  slot: Map<string, number>;
  rack: number[];
  cluster: number[];
  pool: number[];
  labelSet: number[];
  ioClass: number[];
  hosts: number[][];
  maxFree: number[];
  used: number[];
  capacity: number[];
  /** By IDC and pool: idc * pools + pool. */
  byIdcAndPool: Map<number, number[]>;
}>;

/** `at`: where the instance is in its deployment's list. A host of -1 marks a row that is free. */
export type InstanceTable = {
  readonly names: Map<string, number>;
  readonly ids: string[];
  readonly freeRows: number[];
  host: Int32Array;
  deployment: Int32Array;
  class: Int32Array;
  at: Int32Array;
  /** Bit 0: temporary; bit 1: borrowed. */
  flags: Uint8Array;
  /** Its subnets: the first, and for those with more NICs the rest. */
  subnet: Int32Array;
  readonly moreSubnets: Map<number, readonly number[]>;
};

export const temporaryFlag = 1;
export const borrowedFlag = 2;

/** The cell of a host that is gone. Its row stays, so that the others keep their numbers. */
export const nowhere = -1;

export function isThere(world: World, host: number): boolean {
  return world.hosts.cell[host] !== nowhere;
}

export function shareSlotKey(world: World, pool: number, business: number): number {
  return business * world.pools.names.ids.length + pool;
}

/** The use of a pool by a business, -1 when it has none. */
export function findShare(world: World, pool: number, business: number): number {
  return world.shares.slot.get(shareSlotKey(world, pool, business)) ?? -1;
}

/** Whether the pool has given the business a share. */
export function hasShare(world: World, pool: number, business: number): boolean {
  const share = findShare(world, pool, business);
  return share >= 0 && world.shares.granted[share] === true;
}

export function findDeployment(world: World, subsystem: number, dcn: number): number {
  return world.deployments.slot.get(subsystem * world.dcns.names.ids.length + dcn) ?? -1;
}

/** The index of the IDC that a host stands in. */
export function idcOfHost(world: World, host: number): number {
  return world.racks.idc[world.hosts.rack[host]!]!;
}

/** The subnets of an instance, one for each NIC. */
export function subnetsOfInstance(world: World, instance: number): readonly number[] {
  const first = world.instances.subnet[instance]!;
  return first < 0 ? [] : [first, ...(world.instances.moreSubnets.get(instance) ?? [])];
}
