import type {
  ClassRecord,
  ClusterRecord,
  DcnRecord,
  Estate,
  FailureDomain,
  HostRecord,
  InstanceRecord,
  PlacementPlan,
  PlacementRequest,
  PlacementRules,
  PoolRecord,
  RackRecord,
  SubsystemRecord,
} from "../placement/index.ts";

/** Plain look-ups over an estate, for the checker and the exact model: they share nothing with the engine but its types. */
export type EstateView = Readonly<{
  estate: Estate;
  host: (id: string) => HostRecord;
  rack: (id: string) => RackRecord;
  cluster: (id: string) => ClusterRecord;
  pool: (id: string) => PoolRecord;
  dcn: (id: string) => DcnRecord;
  class: (id: string) => ClassRecord;
  subsystem: (id: string) => SubsystemRecord;
}>;

export function viewEstate(estate: Estate): EstateView {
  const lookUp = <T extends Readonly<{ id: string }>>(list: readonly T[]) => {
    const byId = new Map(list.map((record) => [record.id, record]));
    return (id: string): T => {
      const record = byId.get(id);
      if (record === undefined) throw new Error(`there is no ${id}`);
      return record;
    };
  };
  return {
    estate,
    host: lookUp(estate.hosts),
    rack: lookUp(estate.racks),
    cluster: lookUp(estate.clusters),
    pool: lookUp(estate.pools),
    dcn: lookUp(estate.dcns),
    class: lookUp(estate.classes),
    subsystem: lookUp(estate.subsystems),
  };
}

/** The domain of a kind that an instance is in; null for what has none. */
export function placeOf(view: EstateView, hostId: string, domain: FailureDomain): string {
  const host = view.host(hostId);
  if (domain === "host") return host.id;
  if (domain === "rack") return host.rack;
  return domain === "cluster" ? host.cluster : view.rack(host.rack).idc;
}

/** The domain that a VM is in: its hypervisor, rack or IDC; it is in no cluster. */
export function placeOfVm(view: EstateView, vm: Estate["vms"][number], domain: FailureDomain): string | null {
  if (domain === "host") return vm.host === undefined ? null : `hypervisor ${vm.host}`;
  if (domain === "rack") return vm.rack;
  return domain === "cluster" ? null : view.rack(vm.rack).idc;
}

/** The rules that bind a subsystem while this request is planned. */
export function rulesOf(view: EstateView, request: PlacementRequest, subsystem: string): PlacementRules {
  const item = (request.items ?? []).find((each) => each.subsystem === subsystem && each.rules !== undefined);
  return item?.rules ?? view.subsystem(subsystem).rules;
}

/** What a host can promise of each resource: CPU with its pool's overcommit, less what other pods request. */
export function capacityOf(view: EstateView, hostId: string) {
  const { allocatable, otherPods, pool } = view.host(hostId);
  return {
    cpuMilli: Math.floor((allocatable.cpuMilli * view.pool(pool).cpuOvercommitPercent) / 100) - otherPods.cpuMilli,
    memoryMiB: allocatable.memoryMiB - otherPods.memoryMiB,
    diskGiB: allocatable.diskGiB - otherPods.diskGiB,
    ioMiBps: allocatable.ioMiBps - otherPods.ioMiBps,
    instances: allocatable.instances - otherPods.instances,
  };
}

/** The estate after a plan; new instances are named `planned-0`, `planned-1` … */
export function estateAfter(estate: Estate, plan: PlacementPlan): Estate {
  const gone = new Set([...plan.removals, ...plan.places.flatMap((place) => place.replaces ?? [])]);
  const added = plan.places.map((place, at): InstanceRecord => ({
    id: place.replaces ?? `planned-${at}`,
    subsystem: place.subsystem,
    dcn: place.dcn,
    class: place.class,
    host: place.host,
    subnets: place.nics.map((nic) => nic.subnet),
    lifetime: place.lifetime,
    borrowed: place.borrowed,
  }));
  return { ...estate, instances: [...estate.instances.filter(({ id }) => !gone.has(id)), ...added] };
}
