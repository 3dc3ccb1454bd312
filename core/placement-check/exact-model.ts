import type { Estate, PlacementRequest } from "../placement/index.ts";
import { capacityOf, rulesOf, viewEstate, type EstateView } from "./estate-view.ts";
import { createModel, x, type Demand, type Model, type Term } from "./linear-model.ts";
import { addCosts } from "./model-costs.ts";
import { addressesOf, already, freeOf, hostsByPlace, needOf, resources } from "./model-facts.ts";

/**
 * The same rules and score as a mixed-integer program in CPLEX LP text, for an exact solver. Only requests that place (no
 * scale-down, no replacement). It shares with the engine only types and weights. `trivial`: a rule is broken whatever is done.
 */
export function exactModel(estate: Estate, request: PlacementRequest): Readonly<{ trivial: boolean; text: string }> {
  const view = viewEstate(estate);
  const model = createModel();
  const demands = demandsOf(view, request);
  for (const demand of demands) {
    for (const host of demand.hosts) model.integer(x(demand, host), demand.count);
    model.row(
      demand.hosts.map((host) => [1, x(demand, host)]),
      "=",
      demand.count,
    );
  }
  addCapacity(model, view, demands);
  addAddresses(model, view, demands);
  addMost(model, view, demands, request);
  addSurvival(model, view, demands, request);
  addAffinity(model, view, demands, request);
  addQuota(model, view, demands);
  addCosts(model, view, demands);
  return { trivial: model.impossible(), text: model.text() };
}

function demandsOf(view: EstateView, request: PlacementRequest): Demand[] {
  const demands: Demand[] = [];
  for (const item of request.items ?? []) {
    for (const [dcn, target] of Object.entries(item.counts)) {
      const existing = view.estate.instances.filter((each) => each.subsystem === item.subsystem && each.dcn === dcn);
      const count = target - existing.length;
      if (count < 0) throw new Error("the exact model is of requests that place");
      if (count === 0) continue;
      const business = view.subsystem(item.subsystem).business;
      const wanted = view.class(item.class).ioClass;
      const labels = Object.entries(rulesOf(view, request, item.subsystem).hostLabels ?? {});
      const hosts = view.estate.hosts.filter((host) => {
        const cluster = view.cluster(host.cluster);
        const rack = view.rack(host.rack);
        const pool = view.pool(host.pool);
        const { idc, environment, clusters } = view.dcn(dcn);
        return (
          rack.idc === idc &&
          (clusters === undefined || clusters.includes(cluster.id)) &&
          cluster.environment === environment &&
          pool.environment === environment &&
          pool.shares.some((share) => share.business === business) &&
          (item.pool === undefined || item.pool === pool.id) &&
          [cluster.state, rack.state, host.state].every((state) => state === "available") &&
          !cluster.stale &&
          labels.every(([key, value]) => host.labels[key] === value) &&
          (wanted === undefined || wanted === host.ioClass)
        );
      });
      demands.push({
        index: demands.length,
        subsystem: item.subsystem,
        dcn,
        class: item.class,
        areas: item.areas,
        longTerm: item.lifetime !== "temporary",
        count,
        hosts: hosts.map(({ id }) => id),
      });
    }
  }
  return demands;
}

function addCapacity(model: Model, view: EstateView, demands: readonly Demand[]): void {
  for (const { id: host } of view.estate.hosts) {
    for (const resource of resources) {
      const terms = demands
        .filter((demand) => demand.hosts.includes(host))
        .map((demand): Term => [needOf(view, demand.class, resource), x(demand, host)])
        .filter(([factor]) => factor > 0);
      // A host that is over already takes nothing that needs the resource.
      if (terms.length > 0) model.row(terms, "<=", Math.max(0, freeOf(view, host, resource)));
    }
  }
}

function addAddresses(model: Model, view: EstateView, demands: readonly Demand[]): void {
  for (const { id: rack } of view.estate.racks) {
    for (const area of new Set(view.estate.subnets.map((subnet) => subnet.area))) {
      const { fixed, taken } = addressesOf(view, rack, area);
      const terms = demands.flatMap((demand) => {
        const nics = demand.areas.filter((each) => each === area).length;
        return demand.hosts
          .filter((host) => view.host(host).rack === rack)
          .map((host): Term => [nics, x(demand, host)]);
      });
      const real = terms.filter(([factor]) => factor > 0);
      if (real.length > 0) model.row(real, "<=", Math.max(0, fixed - taken));
    }
  }
  for (const demand of demands) {
    for (const area of demand.areas) {
      for (const host of demand.hosts) {
        if (addressesOf(view, view.host(host).rack, area).fixed === 0) model.row([[1, x(demand, host)]], "=", 0);
      }
    }
  }
}

function addMost(model: Model, view: EstateView, demands: readonly Demand[], request: PlacementRequest): void {
  for (const demand of demands) {
    const rules = rulesOf(view, request, demand.subsystem);
    for (const [domain, most] of [
      ["host", rules.maxPerHost],
      ["rack", rules.maxPerRack],
    ] as const) {
      if (most === undefined) continue;
      const { counts } = already(view, demand.subsystem, [demand.dcn], domain);
      for (const [place, hosts] of hostsByPlace(view, demand, domain)) {
        const left = Math.max(0, most - (counts.get(place) ?? 0));
        model.row(
          hosts.map((host) => [1, x(demand, host)]),
          "<=",
          left,
        );
      }
    }
  }
}

function addSurvival(model: Model, view: EstateView, demands: readonly Demand[], request: PlacementRequest): void {
  for (const demand of demands) {
    for (const rule of rulesOf(view, request, demand.subsystem).survival ?? []) {
      const group = view.dcn(demand.dcn).group;
      const dcns =
        rule.of === "dcn" ? [demand.dcn] : view.estate.dcns.filter((dcn) => dcn.group === group).map(({ id }) => id);
      const together = demands.filter((each) => each.subsystem === demand.subsystem && dcns.includes(each.dcn));
      const { counts, total } = already(view, demand.subsystem, dcns, rule.domain);
      const after = total + together.reduce((sum, each) => sum + each.count, 0);
      const places = new Set([
        ...counts.keys(),
        ...together.flatMap((each) => [...hostsByPlace(view, each, rule.domain).keys()]),
      ]);
      for (const place of places) {
        const terms = together.flatMap((each) =>
          (hostsByPlace(view, each, rule.domain).get(place) ?? []).map((host): Term => [1, x(each, host)]),
        );
        // What is left without the place: at least the share. In whole numbers: in the place at most the rest.
        const most = Math.floor((after * (100 - rule.sharePercent)) / 100);
        model.row(terms, "<=", most - (counts.get(place) ?? 0));
      }
    }
  }
}

function addAffinity(model: Model, view: EstateView, demands: readonly Demand[], request: PlacementRequest): void {
  const present = (demand: Demand, hosts: readonly string[], name: string) => {
    // 1 when the demand has a unit on one of the hosts.
    model.integer(name, 1);
    for (const host of hosts) {
      model.row(
        [
          [1, x(demand, host)],
          [-demand.count, name],
        ],
        "<=",
        0,
      );
    }
  };
  let named = 0;
  for (const demand of demands) {
    const rules = rulesOf(view, request, demand.subsystem);
    for (const { subsystem: other, domain } of rules.together ?? []) {
      const { counts } = already(view, other, [demand.dcn], domain);
      const partners = demands.filter((each) => each.subsystem === other && each.dcn === demand.dcn);
      for (const [place, hosts] of hostsByPlace(view, demand, domain)) {
        if ((counts.get(place) ?? 0) > 0) continue;
        const terms = partners.flatMap((each) =>
          (hostsByPlace(view, each, domain).get(place) ?? []).map((host): Term => [-demand.count, x(each, host)]),
        );
        model.row([...hosts.map((host): Term => [1, x(demand, host)]), ...terms], "<=", 0);
      }
    }
    const apart = [
      ...(rules.apart ?? []).map(({ subsystem, domain }) => ({ other: subsystem, domain })),
      ...view.estate.subsystems.flatMap(({ id }) =>
        (rulesOf(view, request, id).apart ?? [])
          .filter(({ subsystem }) => subsystem === demand.subsystem)
          .map(({ domain }) => ({ other: id, domain })),
      ),
    ];
    for (const { other, domain } of apart) {
      const { counts } = already(
        view,
        other,
        view.estate.dcns.map(({ id }) => id),
        domain,
      );
      const partners = demands.filter((each) => each.subsystem === other);
      for (const [place, hosts] of hostsByPlace(view, demand, domain)) {
        if ((counts.get(place) ?? 0) > 0) {
          model.row(
            hosts.map((host) => [1, x(demand, host)]),
            "=",
            0,
          );
          continue;
        }
        for (const partner of partners) {
          const theirs = hostsByPlace(view, partner, domain).get(place) ?? [];
          if (theirs.length === 0) continue;
          named += 1;
          present(demand, hosts, `pa_${named}`);
          present(partner, theirs, `pb_${named}`);
          model.row(
            [
              [1, `pa_${named}`],
              [1, `pb_${named}`],
            ],
            "<=",
            1,
          );
        }
      }
    }
  }
}

function addQuota(model: Model, view: EstateView, demands: readonly Demand[]): void {
  for (const [poolIndex, pool] of view.estate.pools.entries()) {
    for (const resource of ["cpuMilli", "memoryMiB"] as const) {
      const capacity = view.estate.hosts
        .filter((host) => host.pool === pool.id && host.state !== "offline")
        .reduce((sum, host) => sum + capacityOf(view, host.id)[resource], 0);
      const use = (business: string, longTermOnly: boolean) =>
        view.estate.instances
          .filter((each) => view.host(each.host).pool === pool.id)
          .filter((each) => view.subsystem(each.subsystem).business === business)
          .filter((each) => !longTermOnly || each.lifetime === "long-term")
          .reduce((sum, each) => sum + view.class(each.class)[resource], 0);
      const claims = pool.shares.map((share) => Math.max(share.guarantee[resource], use(share.business, true)));
      const claimed = claims.reduce((sum, claim) => sum + claim, 0);
      const excesses: Term[] = [];
      for (const [at, share] of pool.shares.entries()) {
        const terms = (longTermOnly: boolean) =>
          demands
            .filter((demand) => view.subsystem(demand.subsystem).business === share.business)
            .filter((demand) => !longTermOnly || demand.longTerm)
            .flatMap((demand) =>
              demand.hosts
                .filter((host) => view.host(host).pool === pool.id)
                .map((host): Term => [view.class(demand.class)[resource], x(demand, host)]),
            );
        if (terms(false).length > 0) {
          model.row(terms(false), "<=", Math.max(0, share.limit[resource] - use(share.business, false)));
        }
        if (terms(true).length === 0) continue;
        // What long-term use adds to the claim of the business: all that goes beyond the larger of guarantee and present use.
        const excess = `e_${poolIndex}_${resource}_${at}`;
        model.real(excess, 1e9);
        excesses.push([1, excess]);
        const room = claims[at]! - use(share.business, true);
        model.row([...terms(true), [-1, excess]], "<=", room);
      }
      if (excesses.length > 0) model.row(excesses, "<=", Math.max(0, capacity - claimed));
    }
  }
}
