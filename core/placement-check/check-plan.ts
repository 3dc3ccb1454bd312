import type { Estate, PlacementPlan, PlacementRequest } from "../placement/index.ts";
import { capacityOf, estateAfter, placeOf, placeOfVm, rulesOf, viewEstate, type EstateView } from "./estate-view.ts";

type Check = Readonly<{ view: EstateView; before: EstateView; request: PlacementRequest; plan: PlacementPlan }>;

/**
 * Every hard rule of shared placement rules (docs/placement.md), tested in the plainest way on the estate after the plan. Written
 * apart from the engine, of which it uses only the types. Returns what is broken; empty: nothing is.
 */
export function checkPlan(estate: Estate, request: PlacementRequest, plan: PlacementPlan): string[] {
  const view = viewEstate(estateAfter(estate, plan));
  const check: Check = { view, before: viewEstate(estate), request, plan };
  return [
    ...checkCounts(check),
    ...checkWhere(check),
    ...checkCapacity(check),
    ...checkAddresses(check),
    ...checkMost(check),
    ...checkSurvival(check),
    ...checkAffinity(check),
    ...checkQuota(check),
  ];
}

function instancesOf(view: EstateView, subsystem: string, dcn: string) {
  return view.estate.instances.filter((each) => each.subsystem === subsystem && each.dcn === dcn);
}

function vmsOf(view: EstateView, subsystem: string, dcn: string) {
  return view.estate.vms.filter((each) => each.subsystem === subsystem && each.dcn === dcn);
}

/** Deployments whose instances the request may change, as `subsystem/dcn`. */
function changedDeployments({ before, request, plan }: Check) {
  const changed = new Map<string, { subsystem: string; dcn: string }>();
  const touched = [
    ...plan.places,
    ...before.estate.instances.filter(({ id }) => plan.removals.includes(id) || request.replace?.includes(id) === true),
  ];
  for (const { subsystem, dcn } of touched) changed.set(`${subsystem}/${dcn}`, { subsystem, dcn });
  return [...changed.values()];
}

function* checkCounts({ view, before, request, plan }: Check): Generator<string> {
  const asked = new Set<string>();
  for (const item of request.items ?? []) {
    for (const [dcn, wanted] of Object.entries(item.counts)) {
      asked.add(`${item.subsystem}/${dcn}`);
      const vms = item.countVms === true ? vmsOf(view, item.subsystem, dcn).length : 0;
      const is = instancesOf(view, item.subsystem, dcn).length + vms;
      if (is !== wanted) yield `count: ${item.subsystem} has ${is} in ${dcn}, ${wanted} asked for`;
    }
  }
  const ids = view.estate.instances.map(({ id }) => id);
  if (new Set(ids).size !== ids.length) yield "count: an instance is there twice";
  for (const id of request.replace ?? []) {
    if (!ids.includes(id)) yield `replace: ${id} is gone`;
  }
  for (const { subsystem, dcn } of changedDeployments({ view, before, request, plan })) {
    if (asked.has(`${subsystem}/${dcn}`)) continue;
    if (instancesOf(view, subsystem, dcn).length !== instancesOf(before, subsystem, dcn).length) {
      yield `count: ${subsystem} in ${dcn} changed and was not asked for`;
    }
  }
}

function* checkWhere({ view, request, plan }: Check): Generator<string> {
  for (const place of plan.places) {
    const host = view.host(place.host);
    const cluster = view.cluster(host.cluster);
    const rack = view.rack(host.rack);
    const dcn = view.dcn(place.dcn);
    const pool = view.pool(host.pool);
    const of = `${place.subsystem}/${place.dcn} on ${place.host}`;
    if (rack.id !== place.rack || cluster.id !== place.cluster || pool.id !== place.pool || rack.idc !== place.idc) {
      yield `names: ${of} is not where the plan says`;
    }
    if (rack.idc !== dcn.idc) yield `idc: ${of}`;
    if (cluster.environment !== dcn.environment || pool.environment !== dcn.environment) yield `environment: ${of}`;
    if (dcn.clusters !== undefined && !dcn.clusters.includes(cluster.id)) yield `clusters of the dcn: ${of}`;
    const business = view.subsystem(place.subsystem).business;
    if (place.replaces === undefined && !pool.shares.some((share) => share.business === business)) yield `pool: ${of}`;
    const item = (request.items ?? []).find(
      (each) => each.subsystem === place.subsystem && each.counts[place.dcn] !== undefined,
    );
    if (item?.pool !== undefined && item.pool !== pool.id) yield `pool: ${of} is not in ${item.pool}`;
    if (item !== undefined && item.class !== place.class) yield `class: ${of}`;
    if (cluster.state !== "available" || rack.state !== "available" || host.state !== "available") yield `state: ${of}`;
    if (cluster.stale) yield `stale: ${of}`;
    for (const [key, value] of Object.entries(rulesOf(view, request, place.subsystem).hostLabels ?? {})) {
      if (host.labels[key] !== value) yield `labels: ${of}`;
    }
    const wanted = view.class(place.class).ioClass;
    if (wanted !== undefined && host.ioClass !== wanted) yield `io class: ${of}`;
  }
}

function* checkCapacity({ view, plan }: Check): Generator<string> {
  for (const hostId of new Set(plan.places.map(({ host }) => host))) {
    const capacity = capacityOf(view, hostId);
    const used = { cpuMilli: 0, memoryMiB: 0, diskGiB: 0, ioMiBps: 0, instances: 0 };
    for (const instance of view.estate.instances.filter(({ host }) => host === hostId)) {
      const size = view.class(instance.class);
      used.cpuMilli += size.cpuMilli;
      used.memoryMiB += size.memoryMiB;
      used.diskGiB += size.diskGiB;
      used.ioMiBps += size.ioMiBps;
      used.instances += 1;
    }
    const added = plan.places.filter(({ host }) => host === hostId).map((place) => view.class(place.class));
    for (const resource of ["cpuMilli", "memoryMiB", "diskGiB", "ioMiBps", "instances"] as const) {
      // What is over already is not the plan's doing, unless it adds to it.
      const adds = resource === "instances" || added.some((size) => size[resource] > 0);
      if (adds && used[resource] > capacity[resource]) yield `capacity: ${resource} of ${hostId}`;
    }
  }
}

function* checkAddresses({ view, request, plan }: Check): Generator<string> {
  for (const place of plan.places) {
    const item = (request.items ?? []).find(
      (each) => each.subsystem === place.subsystem && each.counts[place.dcn] !== undefined,
    );
    const areas = place.nics.map(({ area }) => area);
    if (item !== undefined && areas.join() !== item.areas.join()) yield `nics: ${place.subsystem} has ${areas.join()}`;
    for (const { area, subnet } of place.nics) {
      const record = view.estate.subnets.find(({ id }) => id === subnet);
      if (record?.rack !== place.rack || record.area !== area) {
        yield `subnet: ${subnet} is not in ${place.rack}/${area}`;
      }
    }
  }
  for (const subnet of new Set(plan.places.flatMap(({ nics }) => nics.map((nic) => nic.subnet)))) {
    const record = view.estate.subnets.find(({ id }) => id === subnet)!;
    const held = view.estate.instances.flatMap(({ subnets }) => subnets).filter((id) => id === subnet).length;
    if (held > record.fixedIps - record.takenElsewhere) yield `fixed ip: ${subnet} has no more`;
  }
}

function* checkMost({ view, request, plan }: Check): Generator<string> {
  for (const place of plan.places) {
    const rules = rulesOf(view, request, place.subsystem);
    const own = instancesOf(view, place.subsystem, place.dcn);
    const onHost = own.filter(({ host }) => host === place.host).length;
    const vmsInRack = vmsOf(view, place.subsystem, place.dcn).filter(({ rack }) => rack === place.rack).length;
    const inRack = own.filter(({ host }) => view.host(host).rack === place.rack).length + vmsInRack;
    if (onHost > (rules.maxPerHost ?? Number.POSITIVE_INFINITY)) yield `max per host: ${onHost} on ${place.host}`;
    if (inRack > (rules.maxPerRack ?? Number.POSITIVE_INFINITY)) yield `max per rack: ${inRack} in ${place.rack}`;
  }
}

function* checkSurvival(check: Check): Generator<string> {
  const { view, request } = check;
  for (const { subsystem, dcn } of changedDeployments(check)) {
    for (const rule of rulesOf(view, request, subsystem).survival ?? []) {
      const dcns =
        rule.of === "dcn"
          ? [dcn]
          : view.estate.dcns.filter(({ group }) => group === view.dcn(dcn).group).map(({ id }) => id);
      const places = dcns.flatMap((each): (string | null)[] => [
        ...instancesOf(view, subsystem, each).map(({ host }) => placeOf(view, host, rule.domain)),
        ...vmsOf(view, subsystem, each).map((vm) => placeOfVm(view, vm, rule.domain)),
      ]);
      for (const lost of new Set(places)) {
        if (lost === null) continue;
        const left = places.filter((place) => place !== lost).length;
        if (left * 100 < rule.sharePercent * places.length) {
          yield `survival: without ${rule.domain} ${lost} ${left} of ${places.length} of ${subsystem} in ${dcns.join()} are left`;
        }
      }
    }
  }
}

function* checkAffinity(check: Check): Generator<string> {
  const { view, before, request, plan } = check;
  const placesOf = (of: EstateView, subsystem: string, domain: Parameters<typeof placeOf>[2], dcn: string | null) => [
    ...of.estate.instances
      .filter((each) => each.subsystem === subsystem && (dcn === null || each.dcn === dcn))
      .map(({ host }) => placeOf(of, host, domain)),
    ...of.estate.vms
      .filter((each) => each.subsystem === subsystem && (dcn === null || each.dcn === dcn))
      .map((vm) => placeOfVm(of, vm, domain)),
  ];
  for (const place of plan.places) {
    const rules = rulesOf(view, request, place.subsystem);
    for (const { subsystem, domain } of rules.together ?? []) {
      if (!placesOf(view, subsystem, domain, place.dcn).includes(placeOf(view, place.host, domain))) {
        yield `together: ${place.subsystem} on ${place.host} has no ${subsystem} in its ${domain}`;
      }
    }
    const apart = [
      ...(rules.apart ?? []).map(({ subsystem, domain }) => ({ other: subsystem, domain })),
      ...view.estate.subsystems.flatMap(({ id }) =>
        (rulesOf(view, request, id).apart ?? [])
          .filter(({ subsystem }) => subsystem === place.subsystem)
          .map(({ domain }) => ({ other: id, domain })),
      ),
    ];
    for (const { other, domain } of apart) {
      if (placesOf(view, other, domain, null).includes(placeOf(view, place.host, domain))) {
        yield `apart: ${place.subsystem} on ${place.host} is in one ${domain} with ${other}`;
      }
    }
  }
  for (const id of plan.removals) {
    const gone = before.estate.instances.find((each) => each.id === id)!;
    for (const dependent of view.estate.subsystems) {
      for (const { subsystem, domain } of dependent.rules.together ?? []) {
        if (subsystem !== gone.subsystem) continue;
        const lost = placeOf(before, gone.host, domain);
        const needed = placesOf(view, dependent.id, domain, gone.dcn).includes(lost);
        if (needed && !placesOf(view, gone.subsystem, domain, gone.dcn).includes(lost)) {
          yield `together: ${dependent.id} in ${lost} has no ${gone.subsystem} any more`;
        }
      }
    }
  }
}

function* checkQuota({ view, before, plan }: Check): Generator<string> {
  for (const poolId of new Set(plan.places.map(({ pool }) => pool))) {
    const pool = view.pool(poolId);
    for (const resource of ["cpuMilli", "memoryMiB"] as const) {
      const capacity = view.estate.hosts
        .filter((host) => host.pool === poolId && host.state !== "offline")
        .reduce((sum, host) => sum + capacityOf(view, host.id)[resource], 0);
      const use = (of: EstateView, business: string, longTermOnly: boolean) =>
        of.estate.instances
          .filter((each) => of.host(each.host).pool === poolId)
          .filter((each) => of.subsystem(each.subsystem).business === business)
          .filter((each) => !longTermOnly || each.lifetime === "long-term")
          .reduce((sum, each) => sum + of.class(each.class)[resource], 0);
      const claimed = pool.shares.reduce(
        (sum, share) => sum + Math.max(share.guarantee[resource], use(view, share.business, true)),
        0,
      );
      for (const share of pool.shares) {
        const placed = plan.places.filter(
          (place) => place.pool === poolId && view.subsystem(place.subsystem).business === share.business,
        );
        if (placed.length === 0) continue;
        if (use(view, share.business, false) > share.limit[resource]) {
          yield `quota: ${share.business} has more ${resource} in ${poolId} than its limit`;
        }
        const longTerm = use(view, share.business, true);
        const grows = longTerm > Math.max(share.guarantee[resource], use(before, share.business, true));
        if (grows && claimed > capacity) {
          yield `quota: ${share.business} borrows guaranteed ${resource} in ${poolId} for good`;
        }
        const beyond = use(view, share.business, false) > share.guarantee[resource];
        if (beyond && !placed.some(({ borrowed }) => borrowed)) yield `quota: ${share.business} borrows unmarked`;
      }
    }
  }
}
