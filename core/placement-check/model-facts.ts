import type { FailureDomain } from "../placement/index.ts";
import { capacityOf, placeOf, placeOfVm, type EstateView } from "./estate-view.ts";
import type { Demand } from "./linear-model.ts";

export const resources = ["cpuMilli", "memoryMiB", "diskGiB", "ioMiBps", "instances"] as const;
export type Resource = (typeof resources)[number];

export function needOf(view: EstateView, classId: string, resource: Resource): number {
  return resource === "instances" ? 1 : view.class(classId)[resource];
}

export function freeOf(view: EstateView, host: string, resource: Resource): number {
  const used = view.estate.instances
    .filter((each) => each.host === host)
    .reduce((sum, each) => sum + needOf(view, each.class, resource), 0);
  return capacityOf(view, host)[resource] - used;
}

export function addressesOf(view: EstateView, rack: string, area: string) {
  const subnets = view.estate.subnets.filter((subnet) => subnet.rack === rack && subnet.area === area);
  const held = view.estate.instances.flatMap((each) => each.subnets).filter((id) => subnets.some((s) => s.id === id));
  return {
    fixed: subnets.reduce((sum, subnet) => sum + subnet.fixedIps, 0),
    taken: subnets.reduce((sum, subnet) => sum + subnet.takenElsewhere, 0) + held.length,
  };
}

/** Instances and VMs of a subsystem in some DCNs that are in each domain already. */
export function already(view: EstateView, subsystem: string, dcns: readonly string[], domain: FailureDomain) {
  const counts = new Map<string, number>();
  let total = 0;
  const places = [
    ...view.estate.instances
      .filter((each) => each.subsystem === subsystem && dcns.includes(each.dcn))
      .map((each) => placeOf(view, each.host, domain)),
    ...view.estate.vms
      .filter((each) => each.subsystem === subsystem && dcns.includes(each.dcn))
      .map((vm) => placeOfVm(view, vm, domain)),
  ];
  for (const place of places) {
    total += 1;
    if (place !== null) counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  return { counts, total };
}

export function hostsByPlace(view: EstateView, demand: Demand, domain: FailureDomain): Map<string, string[]> {
  const places = new Map<string, string[]>();
  for (const host of demand.hosts) {
    const place = placeOf(view, host, domain);
    places.set(place, [...(places.get(place) ?? []), host]);
  }
  return places;
}
