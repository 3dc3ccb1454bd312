import type { EstateDocument } from "@wcs/core/estate";
import type { Estate, HostRecord, OperatingState, ResourceAmount, SubnetRecord } from "@wcs/core/placement";
import type { PlacementKind } from "./read-picture.ts";

/** What a cluster says of a host's node, and what others request there. */
export type NodeFacts = Readonly<{
  cpuMilli: number;
  memoryMiB: number;
  pods: number;
  ready: boolean;
  others: ResourceAmount & Readonly<{ instances: number }>;
}>;

/** What the world is made of, beside instances. */
export type PlacementFacts = Readonly<{
  documents: Readonly<Record<PlacementKind, ReadonlyMap<string, EstateDocument>>>;
  /** By host, the classes of instances on their way out: they no longer count in their DCN, and hold their host's room until they are gone. */
  leaving: ReadonlyMap<string, readonly string[]>;
  /** By subnet: addresses of its fixed range, and those of them that are free. */
  addresses: ReadonlyMap<string, Readonly<{ fixed: number; free: number }>>;
  /** By subnet, the addresses that the instances hold. */
  held: ReadonlyMap<string, number>;
  /** Whether a cluster has been heard of lately. */
  isHeardOf: (cluster: string) => boolean;
  /** A host's node; null when its cluster has none of the name; undefined while nobody can say, and the estate's word stands. */
  nodeOf: (cluster: string, node: string) => NodeFacts | null | undefined;
}>;

const nothing: ResourceAmount = { cpuMilli: 0, memoryMiB: 0, diskGiB: 0, ioMiBps: 0 };
/** A host whose document names none. */
const usualInstances = 110;

/** The estate as the placement engine takes it, without its instances. */
export function placementEstate(facts: PlacementFacts): Estate {
  const all = <K extends PlacementKind>(kind: K) =>
    [...facts.documents[kind].values()] as unknown as readonly EstateDocument<K>[];
  const systems = facts.documents.System;
  const businessOf = (system: string): string => {
    const document = systems.get(system) as EstateDocument<"System"> | undefined;
    if (document === undefined) throw new Error(`system ${system} is gone`);
    return document.spec.business;
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
    subnets: all("Subnet").map((subnet) => subnetRecord(subnet, facts)),
    pools: all("Pool").map(({ name, spec }) => ({
      id: name,
      environment: spec.environment,
      cpuOvercommitPercent: spec.cpuOvercommitPercent ?? 100,
      ...(spec.bigClass === undefined ? {} : { bigClass: spec.bigClass }),
      shares: Object.entries(spec.quotas ?? {}).map(([business, quota]) => ({ business, ...quota })),
    })),
    hosts: all("Host").flatMap((host) => hostRecord(host, facts) ?? []),
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
    instances: [],
  };
}

/** The addresses of a subnet, as the engine takes them. */
export function subnetRecord({ name, spec }: EstateDocument<"Subnet">, facts: PlacementFacts): SubnetRecord {
  const { fixed, free } = facts.addresses.get(name) ?? { fixed: 0, free: 0 };
  const takenElsewhere = fixed - free - (facts.held.get(name) ?? 0);
  return { id: name, rack: spec.rack, area: spec.area, fixedIps: fixed, takenElsewhere };
}

/** A host as the engine takes it; null for one that is in no cluster or no pool, and takes no instances. */
export function hostRecord(host: EstateDocument<"Host">, facts: PlacementFacts): HostRecord | null {
  const { name, labels = {}, spec } = host;
  if (spec.cluster === undefined || spec.pool === undefined) return null;
  const node = facts.nodeOf(spec.cluster, spec.node ?? name);
  const { capacity } = spec;
  const atMost = (most: number, says: number | undefined) => Math.min(most, says ?? Number.POSITIVE_INFINITY);
  return {
    id: name,
    rack: spec.rack,
    cluster: spec.cluster,
    pool: spec.pool,
    // A host that is not ready, or is no node of its cluster, keeps what it has and takes nothing new.
    state: stateOf(spec.state ?? "available", node === undefined || node?.ready === true),
    labels,
    ioClass: spec.ioClass ?? "",
    allocatable: {
      cpuMilli: atMost(capacity.cpuMilli, node?.cpuMilli),
      memoryMiB: atMost(capacity.memoryMiB, node?.memoryMiB),
      diskGiB: capacity.diskGiB ?? unlimited,
      ioMiBps: capacity.ioMiBps ?? unlimited,
      instances: atMost(capacity.instances ?? usualInstances, node?.pods),
    },
    otherPods: withLeaving(node?.others ?? { ...nothing, instances: 0 }, facts, name),
  };
}

function withLeaving(others: HostRecord["otherPods"], facts: PlacementFacts, host: string): HostRecord["otherPods"] {
  const room = { ...others };
  for (const className of facts.leaving.get(host) ?? []) {
    const spec = (facts.documents.Class.get(className) as EstateDocument<"Class"> | undefined)?.spec;
    room.cpuMilli += spec?.cpuMilli ?? 0;
    room.memoryMiB += spec?.memoryMiB ?? 0;
    room.diskGiB += spec?.diskGiB ?? 0;
    room.ioMiBps += spec?.ioMiBps ?? 0;
    room.instances += 1;
  }
  return room;
}

/** What a host's document does not count is not counted. */
const unlimited = 1_000_000_000;

function stateOf(state: OperatingState, takesNew: boolean): OperatingState {
  return state === "available" && !takesNew ? "unavailable" : state;
}
