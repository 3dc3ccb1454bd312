import { scoreWeights } from "../placement/index.ts";
import { capacityOf, type EstateView } from "./estate-view.ts";
import { x, type Demand, type Model, type Term } from "./linear-model.ts";
import { addressesOf, already, freeOf, hostsByPlace } from "./model-facts.ts";

/** The score, part by part, as docs/placement.md defines it. */
export function addCosts(model: Model, view: EstateView, demands: readonly Demand[]): void {
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
