/** What the engine is told about the bank: plain data, ids are strings. `buildWorld` makes the engine's picture of it. */
export type Estate = Readonly<{
  idcs: readonly IdcRecord[];
  areas: readonly AreaRecord[];
  clusters: readonly ClusterRecord[];
  racks: readonly RackRecord[];
  subnets: readonly SubnetRecord[];
  pools: readonly PoolRecord[];
  hosts: readonly HostRecord[];
  dcns: readonly DcnRecord[];
  classes: readonly ClassRecord[];
  subsystems: readonly SubsystemRecord[];
  vms: readonly VmRecord[];
  instances: readonly InstanceRecord[];
}>;

/** `available`: takes new instances; `unavailable`: keeps what it has; `offline`: what it had is not running. */
export type OperatingState = "available" | "unavailable" | "offline";

export type IdcRecord = Readonly<{ id: string }>;

export type AreaRecord = Readonly<{ id: string }>;

/** `stale`: its nodes have not been heard of lately; nothing is placed on what may no longer be there. */
export type ClusterRecord = Readonly<{
  id: string;
  idc: string;
  environment: string;
  state: OperatingState;
  stale: boolean;
}>;

export type RackRecord = Readonly<{ id: string; idc: string; state: OperatingState }>;

/**
 * `fixedIps`: addresses of the fixed range. `takenElsewhere`: those of them that an instance of `Estate.instances` does not
 * hold and that are not free either (VMs, cooling down, reserved by hand); less those that instances hold outside of the range.
 */
export type SubnetRecord = Readonly<{
  id: string;
  rack: string;
  area: string;
  fixedIps: number;
  takenElsewhere: number;
}>;

/** Of a resource that a quota is about. */
export type QuotaAmount = Readonly<{ cpuMilli: number; memoryMiB: number }>;

/** What a business may have of a pool: `guarantee` at any time, `limit` at most; what is above the guarantee is borrowed. */
export type PoolShare = Readonly<{ business: string; guarantee: QuotaAmount; limit: QuotaAmount }>;

/**
 * `cpuOvercommitPercent`: CPU promised for 100 that the hosts have (WeBank used 120). `bigClass`: the class for which whole
 * hosts are kept free; placing elsewhere than where such an instance would fit is preferred.
 */
export type PoolRecord = Readonly<{
  id: string;
  environment: string;
  cpuOvercommitPercent: number;
  bigClass?: string;
  shares: readonly PoolShare[];
}>;

export type ResourceAmount = Readonly<{ cpuMilli: number; memoryMiB: number; diskGiB: number; ioMiBps: number }>;

/**
 * `allocatable`: what the node says it can give; `instances`: how many pods it may run. `otherPods`: what pods that are not
 * WCS's instances request there (system pods, DaemonSets).
 */
export type HostRecord = Readonly<{
  id: string;
  rack: string;
  cluster: string;
  pool: string;
  state: OperatingState;
  labels: Readonly<Record<string, string>>;
  ioClass: string;
  allocatable: ResourceAmount & Readonly<{ instances: number }>;
  otherPods: ResourceAmount & Readonly<{ instances: number }>;
}>;

/**
 * `clusters`: the only ones that it may use; absent: every cluster of its IDC and environment. `databaseRack`: where the primary of
 * the DCN's database is; to be near it is a soft rule.
 */
export type DcnRecord = Readonly<{
  id: string;
  group: string;
  idc: string;
  environment: string;
  clusters?: readonly string[];
  databaseRack?: string;
}>;

/** The size of an instance. `ioClass`: the kind of disk that the host must have; absent: any. */
export type ClassRecord = Readonly<{ id: string; ioClass?: string }> & ResourceAmount;

export type FailureDomain = "host" | "rack" | "cluster" | "idc";

/**
 * After the loss of any one `domain`, at least `sharePercent` of the instances of the DCN (`of: "dcn"`) or of all DCNs of its
 * group are left; VMs count.
 */
export type SurvivalRule = Readonly<{ domain: FailureDomain; of: "dcn" | "group"; sharePercent: number }>;

/**
 * The hard rules of a subsystem. `together`: each instance is in one domain with an instance (or VM) of the other subsystem of
 * the same DCN. `apart`: never in one domain with an instance (or VM) of the other subsystem, of whatever DCN; it binds both.
 */
export type PlacementRules = Readonly<{
  maxPerHost?: number;
  maxPerRack?: number;
  survival?: readonly SurvivalRule[];
  together?: readonly Readonly<{ subsystem: string; domain: FailureDomain }>[];
  apart?: readonly Readonly<{ subsystem: string; domain: FailureDomain }>[];
  hostLabels?: Readonly<Record<string, string>>;
}>;

/** `profile`: the tag under which measuring found it similar to others. */
export type SubsystemRecord = Readonly<{
  id: string;
  business: string;
  profile?: string;
  ioHeavy?: boolean;
  ioSensitive?: boolean;
  rules: PlacementRules;
}>;

/** An instance that is not a container: counted, never placed. `host`: its hypervisor, which is no host of WCS. */
export type VmRecord = Readonly<{ subsystem: string; dcn: string; rack: string; host?: string }>;

/** `subnets`: one for each NIC, in the order of the areas asked for. `borrowed`: it was placed beyond the guarantee. */
export type InstanceRecord = Readonly<{
  id: string;
  subsystem: string;
  dcn: string;
  class: string;
  host: string;
  subnets: readonly string[];
  lifetime: InstanceLifetime;
  borrowed: boolean;
}>;

export type InstanceLifetime = "long-term" | "temporary";
