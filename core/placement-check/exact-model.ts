import { scoreWeights, type Estate, type FailureDomain, type PlacementRequest } from "../placement/index.ts";
import { capacityOf, placeOf, placeOfVm, rulesOf, viewEstate, type EstateView } from "./estate-view.ts";

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

type Term = readonly [number, string];

function createModel() {
  const rows: string[] = [];
  const bounds: string[] = [];
  const integers: string[] = [];
  const costs: Term[] = [];
  let broken = false;
  const sum = (terms: readonly Term[]) =>
    terms.map(([factor, name]) => `${factor < 0 ? "-" : "+"} ${Math.abs(factor)} ${name}`).join(" ");
  return {
    row(terms: readonly Term[], sign: "=" | "<=" | ">=", right: number): void {
      const real = terms.filter(([factor]) => factor !== 0);
      if (real.length > 0) rows.push(`c${rows.length}: ${sum(real)} ${sign} ${right}`);
      else if (sign === "=" ? right !== 0 : sign === "<=" ? right < 0 : right > 0) broken = true;
    },
    integer(name: string, most: number): void {
      bounds.push(`0 <= ${name} <= ${most}`);
      integers.push(name);
    },
    real(name: string, most: number): void {
      bounds.push(`0 <= ${name} <= ${most}`);
    },
    cost(factor: number, name: string): void {
      if (factor !== 0) costs.push([factor, name]);
    },
    impossible: () => broken,
    text: () =>
      [
        "Minimize",
        ` obj: ${costs.length === 0 ? "0 nothing" : sum(costs)}`,
        "Subject To",
        ...rows,
        "Bounds",
        "0 <= nothing <= 0",
        ...bounds,
        "General",
        integers.join("\n"),
        "End",
      ].join("\n"),
  };
}

type Model = ReturnType<typeof createModel>;

type Demand = Readonly<{
  index: number;
  subsystem: string;
  dcn: string;
  class: string;
  areas: readonly string[];
  longTerm: boolean;
  count: number;
  hosts: readonly string[];
}>;

function x(demand: Demand, host: string): string {
  return `x_${demand.index}_${host.replaceAll("-", "_")}`;
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
        const { idc, environment } = view.dcn(dcn);
        return (
          rack.idc === idc &&
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

const resources = ["cpuMilli", "memoryMiB", "diskGiB", "ioMiBps", "instances"] as const;
type Resource = (typeof resources)[number];

function needOf(view: EstateView, classId: string, resource: Resource): number {
  return resource === "instances" ? 1 : view.class(classId)[resource];
}

function freeOf(view: EstateView, host: string, resource: Resource): number {
  const used = view.estate.instances
    .filter((each) => each.host === host)
    .reduce((sum, each) => sum + needOf(view, each.class, resource), 0);
  return capacityOf(view, host)[resource] - used;
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

function addressesOf(view: EstateView, rack: string, area: string) {
  const subnets = view.estate.subnets.filter((subnet) => subnet.rack === rack && subnet.area === area);
  const held = view.estate.instances.flatMap((each) => each.subnets).filter((id) => subnets.some((s) => s.id === id));
  return {
    fixed: subnets.reduce((sum, subnet) => sum + subnet.fixedIps, 0),
    taken: subnets.reduce((sum, subnet) => sum + subnet.takenElsewhere, 0) + held.length,
  };
}

/** Instances and VMs of a subsystem in some DCNs that are in each domain already. */
function already(view: EstateView, subsystem: string, dcns: readonly string[], domain: FailureDomain) {
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

function hostsByPlace(view: EstateView, demand: Demand, domain: FailureDomain): Map<string, string[]> {
  const places = new Map<string, string[]>();
  for (const host of demand.hosts) {
    const place = placeOf(view, host, domain);
    places.set(place, [...(places.get(place) ?? []), host]);
  }
  return places;
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

/** The score, part by part, as docs/placement.md defines it. */
function addCosts(model: Model, view: EstateView, demands: readonly Demand[]): void {
  for (const demand of demands) {
    const subsystem = view.subsystem(demand.subsystem);
    for (const host of demand.hosts) {
      const { rack } = view.host(host);
      const capacity = capacityOf(view, host);
      const share = (resource: "cpuMilli" | "memoryMiB") =>
        capacity[resource] <= 0 ? 1 : 1 - freeOf(view, host, resource) / capacity[resource];
      const load =
        capacity.cpuMilli <= 0 || capacity.memoryMiB <= 0 ? 1 : Math.max(share("cpuMilli"), share("memoryMiB"));
      let fill = 0;
      for (const area of demand.areas) {
        const { fixed, taken } = addressesOf(view, rack, area);
        fill += fixed === 0 ? 1 : taken / fixed;
      }
      const { databaseRack } = view.dcn(demand.dcn);
      const there = view.estate.instances
        .filter((each) => each.host === host)
        .map((each) => view.subsystem(each.subsystem));
      const similar = there.filter(
        (other) => other.profile !== undefined && other.profile === subsystem.profile,
      ).length;
      const io =
        (subsystem.ioHeavy === true ? there.filter((other) => other.ioSensitive).length : 0) +
        (subsystem.ioSensitive === true ? there.filter((other) => other.ioHeavy).length : 0);
      model.cost(
        scoreWeights.hostLoad * load +
          scoreWeights.ipFill * fill +
          scoreWeights.databaseDistance * (databaseRack !== undefined && databaseRack !== rack ? 1 : 0) +
          scoreWeights.similarProfile * similar +
          scoreWeights.ioConflict * io,
        x(demand, host),
      );
    }
    for (const [domain, weight] of [
      ["host", scoreWeights.hostSpread],
      ["rack", scoreWeights.rackSpread],
      ["cluster", scoreWeights.clusterSpread],
    ] as const) {
      const { counts } = already(view, demand.subsystem, [demand.dcn], domain);
      for (const [place, hosts] of hostsByPlace(view, demand, domain)) {
        addPairs(model, {
          name: `y_${demand.index}_${place.replaceAll("-", "_")}_${domain}`,
          terms: hosts.map((host) => [1, x(demand, host)]),
          most: demand.count,
          base: counts.get(place) ?? 0,
          weight,
        });
      }
    }
  }
  for (const { id: host, pool } of view.estate.hosts) {
    const here = demands.filter((demand) => demand.hosts.includes(host));
    if (here.length === 0) continue;
    const name = host.replaceAll("-", "_");
    const of = (test: (demand: Demand) => boolean) => here.filter(test);
    for (const profile of new Set(here.map((demand) => view.subsystem(demand.subsystem).profile))) {
      if (profile === undefined) continue;
      const alike = of((demand) => view.subsystem(demand.subsystem).profile === profile);
      addPairs(model, {
        name: `p_${profile}_${name}`,
        terms: alike.map((demand) => [1, x(demand, host)]),
        most: alike.reduce((sum, demand) => sum + demand.count, 0),
        base: 0,
        weight: scoreWeights.similarProfile,
      });
    }
    addProduct(model, {
      name,
      host,
      left: of((demand) => view.subsystem(demand.subsystem).ioHeavy === true),
      right: of((demand) => view.subsystem(demand.subsystem).ioSensitive === true),
    });
    const { bigClass } = view.pool(pool);
    if (bigClass !== undefined) addBigPlaces(model, view, { host, name, here, bigClass });
  }
}

type Pairs = Readonly<{ name: string; terms: readonly Term[]; most: number; base: number; weight: number }>;

/** The n-th more costs what is there already: a rising cost, so that unit steps need not be whole numbers. */
function addPairs(model: Model, { name, terms, most, base, weight }: Pairs): void {
  const steps = Array.from({ length: most }, (_, at): Term => [-1, `${name}_${at}`]);
  for (const [at, [, step]] of steps.entries()) {
    model.real(step, 1);
    model.cost(weight * (base + at), step);
  }
  model.row([...terms, ...steps], "=", 0);
}

type Product = Readonly<{ name: string; host: string; left: readonly Demand[]; right: readonly Demand[] }>;

/** Pairs of an IO-heavy and an IO-sensitive new instance on a host. */
function addProduct(model: Model, { name, host, left, right }: Product): void {
  const unary = (demands: readonly Demand[], letter: string) => {
    const most = demands.reduce((sum, demand) => sum + demand.count, 0);
    const steps = Array.from({ length: most }, (_, at) => `${letter}_${name}_${at}`);
    for (const step of steps) model.integer(step, 1);
    model.row(
      [...demands.map((demand): Term => [1, x(demand, host)]), ...steps.map((step): Term => [-1, step])],
      "=",
      0,
    );
    return steps;
  };
  if (left.length === 0 || right.length === 0) return;
  const sensitive = unary(right, "s");
  for (const a of unary(left, "h")) {
    for (const b of sensitive) {
      const both = `z_${a}_${b}`;
      model.real(both, 1);
      model.cost(scoreWeights.ioConflict, both);
      model.row(
        [
          [1, a],
          [1, b],
          [-1, both],
        ],
        "<=",
        1,
      );
    }
  }
}

type BigPlaces = Readonly<{ host: string; name: string; here: readonly Demand[]; bigClass: string }>;

/** Places for the pool's big class that are lost: those before less those after. */
function addBigPlaces(model: Model, view: EstateView, { host, name, here, bigClass }: BigPlaces): void {
  const sizes = (["cpuMilli", "memoryMiB"] as const).map((resource) => ({
    resource,
    size: view.class(bigClass)[resource],
    free: freeOf(view, host, resource),
  }));
  const before = Math.max(0, Math.min(...sizes.map(({ size, free }) => Math.floor(free / size))));
  if (before === 0) return;
  model.integer(`left_${name}`, before);
  model.integer(`lost_${name}`, before);
  model.row(
    [
      [1, `left_${name}`],
      [1, `lost_${name}`],
    ],
    "=",
    before,
  );
  model.cost(scoreWeights.wholeHosts, `lost_${name}`);
  for (const { resource, size, free } of sizes) {
    const terms = here.map((demand): Term => [view.class(demand.class)[resource], x(demand, host)]);
    model.row([[size, `left_${name}`], ...terms], "<=", free);
  }
}
