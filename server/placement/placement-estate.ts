import type { EstateDocument, EstateKind } from "@wcs/core/estate";
import type { Estate, HostRecord, OperatingState, ResourceAmount } from "@wcs/core/placement";

/** An instance that holds its host and its addresses. */
export type PlacedInstance = Readonly<{
  name: string;
  subsystem: string;
  dcn: string;
  class: string;
  host: string;
  subnets: readonly string[];
  lifetime: "long-term" | "temporary";
  borrowed: boolean;
}>;

/** What the world is made of, beside the estate's documents. */
export type PlacementFacts = Readonly<{
  documents: Readonly<Record<EstateKind, ReadonlyMap<string, EstateDocument>>>;
  instances: readonly PlacedInstance[];
  /** Instances on their way out: they no longer count in their DCN, and hold their host's room until they are gone. */
  leaving: readonly Readonly<{ class: string; host: string }>[];
  /** Of a subnet's name: addresses of its fixed range, and those that are neither free nor an instance's of `instances`. */
  addresses: ReadonlyMap<string, Readonly<{ fixed: number; free: number }>>;
  /** Whether a cluster has been heard of lately. */
  isHeardOf: (cluster: string) => boolean;
  /** What a host's node can give, as the cluster says; null: the estate's word stands. */
  nodeOf: (host: string) => Readonly<{ cpuMilli: number; memoryMiB: number; ready: boolean }> | null;
}>;

const nothing: ResourceAmount = { cpuMilli: 0, memoryMiB: 0, diskGiB: 0, ioMiBps: 0 };
/** A host whose document names none. */
const usualInstances = 110;

/** The estate as the placement engine takes it. */
export function placementEstate(facts: PlacementFacts): Estate {
  const all = <K extends EstateKind>(kind: K) =>
    [...facts.documents[kind].values()] as unknown as readonly EstateDocument<K>[];
  const systems = facts.documents.System;
  const businessOf = (system: string): string => {
    const document = systems.get(system) as EstateDocument<"System"> | undefined;
    if (document === undefined) throw new Error(`system ${system} is gone`);
    return document.spec.business;
  };
  const held = new Map<string, number>();
  for (const { subnets } of facts.instances) {
    for (const subnet of subnets) held.set(subnet, (held.get(subnet) ?? 0) + 1);
  }
  const leavingOn = (host: string): HostRecord["otherPods"] => {
    const room = { ...nothing, instances: 0 };
    for (const { class: className } of facts.leaving.filter((instance) => instance.host === host)) {
      const spec = (facts.documents.Class.get(className) as EstateDocument<"Class"> | undefined)?.spec;
      room.cpuMilli += spec?.cpuMilli ?? 0;
      room.memoryMiB += spec?.memoryMiB ?? 0;
      room.diskGiB += spec?.diskGiB ?? 0;
      room.ioMiBps += spec?.ioMiBps ?? 0;
      room.instances += 1;
    }
    return room;
  };
  return {
    idcs: all("IDC").map(({ name }) => ({ id: name })),
    areas: all("Area").map(({ name }) => ({ id: name })),
    clusters: all("Cluster").map(({ name, spec }) => ({
      id: name,
      idc: spec.idc,
      environment: spec.environment,
      state: spec.state ?? "available",
      stale: !facts.isHeardOf(name),
    })),
    racks: all("Rack").map(({ name, spec }) => ({ id: name, idc: spec.idc, state: spec.state ?? "available" })),
    subnets: all("Subnet").map(({ name, spec }) => {
      const { fixed, free } = facts.addresses.get(name) ?? { fixed: 0, free: 0 };
      const takenElsewhere = Math.max(0, fixed - free - (held.get(name) ?? 0));
      return { id: name, rack: spec.rack, area: spec.area, fixedIps: fixed, takenElsewhere };
    }),
    pools: all("Pool").map(({ name, spec }) => ({
      id: name,
      environment: spec.environment,
      cpuOvercommitPercent: spec.cpuOvercommitPercent ?? 100,
      ...(spec.bigClass === undefined ? {} : { bigClass: spec.bigClass }),
      shares: Object.entries(spec.quotas ?? {}).map(([business, quota]) => ({ business, ...quota })),
    })),
    hosts: all("Host").flatMap((host) => hostRecord(host, facts, leavingOn(host.name))),
    dcns: all("DCN").map(({ name, spec }) => ({
      id: name,
      group: spec.group,
      idc: spec.idc,
      environment: spec.environment,
      ...(spec.clusters === undefined ? {} : { clusters: spec.clusters }),
      ...(spec.databaseRack === undefined ? {} : { databaseRack: spec.databaseRack }),
    })),
    classes: all("Class").map(({ name, spec }) => ({
      id: name,
      ...nothing,
      cpuMilli: spec.cpuMilli,
      memoryMiB: spec.memoryMiB,
      diskGiB: spec.diskGiB ?? 0,
      ioMiBps: spec.ioMiBps ?? 0,
      ...(spec.ioClass === undefined ? {} : { ioClass: spec.ioClass }),
    })),
    subsystems: all("Subsystem").map(({ name, spec }) => ({
      id: name,
      business: businessOf(spec.system),
      rules: spec.rules ?? {},
      ...(spec.profile === undefined ? {} : { profile: spec.profile }),
      ...(spec.ioHeavy === undefined ? {} : { ioHeavy: spec.ioHeavy }),
      ...(spec.ioSensitive === undefined ? {} : { ioSensitive: spec.ioSensitive }),
    })),
    vms: all("VM").flatMap(({ spec }) =>
      spec.subsystem === undefined || spec.dcn === undefined
        ? []
        : [
            {
              subsystem: spec.subsystem,
              dcn: spec.dcn,
              rack: spec.rack,
              ...(spec.hypervisor === undefined ? {} : { host: spec.hypervisor }),
            },
          ],
    ),
    instances: facts.instances.map(({ name, ...instance }) => ({ id: name, ...instance })),
  };
}

/** A host that is in no cluster or no pool takes no instances. */
function hostRecord(
  host: EstateDocument<"Host">,
  { nodeOf }: PlacementFacts,
  otherPods: HostRecord["otherPods"],
): readonly HostRecord[] {
  const { name, labels = {}, spec } = host;
  if (spec.cluster === undefined || spec.pool === undefined) return [];
  const node = nodeOf(name);
  const { capacity } = spec;
  return [
    {
      id: name,
      rack: spec.rack,
      cluster: spec.cluster,
      pool: spec.pool,
      state: stateOf(spec.state ?? "available", node?.ready ?? true),
      labels,
      ioClass: spec.ioClass ?? "",
      allocatable: {
        cpuMilli: Math.min(capacity.cpuMilli, node?.cpuMilli ?? Number.POSITIVE_INFINITY),
        memoryMiB: Math.min(capacity.memoryMiB, node?.memoryMiB ?? Number.POSITIVE_INFINITY),
        diskGiB: capacity.diskGiB ?? unlimited,
        ioMiBps: capacity.ioMiBps ?? unlimited,
        instances: capacity.instances ?? usualInstances,
      },
      otherPods,
    },
  ];
}

/** What a host's document does not count is not counted. */
const unlimited = 1_000_000_000;

/** A host that is not ready keeps what it has and takes nothing new. */
function stateOf(state: OperatingState, isReady: boolean): OperatingState {
  return state === "available" && !isReady ? "unavailable" : state;
}
