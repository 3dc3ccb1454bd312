import { affinityBlocks, type SolverState } from "./solver-state.ts";

/**
 * An upper bound of how many more units of demand `k` fit, by a maximum flow: clusters, then racks, each with what it may still
 * take. It is exact when the demand is alone, in one pool and one IDC; with others it never is too low. `from`: a list of
 * candidates to look at, and the first of them that counts.
 */
export function mostUnits(
  state: SolverState,
  k: number,
  { wanted, order, from }: Readonly<{ wanted: number; order: readonly number[] | null; from: number }>,
): number {
  const { problem } = state;
  const families = problem.demandFamilies[k]!;
  const weights = problem.demandWeights[k]!;
  const counts = problem.placeCounts;
  /** What a place of a kind may still take of this demand alone. */
  const room = (domain: "host" | "rack" | "cluster" | "idc" | "pool" | "candidate", place: number) => {
    let least = wanted;
    for (const [at, index] of families.entries()) {
      const family = problem.families[index]!;
      if (family.domain !== domain || family.soft) continue;
      const limit = family.base + place;
      least = Math.min(least, Math.floor((problem.caps[limit]! - state.loads[limit]!) / weights[at]!));
    }
    return Math.max(0, least);
  };
  const hostRoom = new Int32Array(counts.host).fill(-1);
  const edges = new Map<number, number>();
  const seenPools = new Set<number>();
  const seenIdcs = new Set<number>();
  const length = order === null ? problem.candidates : order.length;
  for (let at = from; at < length; at += 1) {
    const j = order === null ? at : order[at]!;
    if (problem.allowed[k * problem.candidates + j] === 0) continue;
    if (problem.affinities[k]!.length > 0 && affinityBlocks(state, k, j)) continue;
    const host = problem.places.host[j]!;
    if (hostRoom[host]! < 0) hostRoom[host] = room("host", host);
    const units = Math.min(
      hostRoom[host]!,
      problem.instances[j]! < 0 ? wanted : room("candidate", problem.places.candidate[j]!),
    );
    if (units <= 0) continue;
    hostRoom[host]! -= units;
    const edge = problem.places.cluster[j]! * counts.rack + problem.places.rack[j]!;
    edges.set(edge, Math.min(wanted, (edges.get(edge) ?? 0) + units));
    seenPools.add(problem.places.pool[j]!);
    seenIdcs.add(problem.places.idc[j]!);
  }
  state.effort += 1 + ((length - from) >> 4);
  let bound = wanted;
  const sum = (domain: "pool" | "idc", seen: ReadonlySet<number>) =>
    [...seen].reduce((total, place) => total + room(domain, place), 0);
  bound = Math.min(bound, sum("pool", seenPools), sum("idc", seenIdcs));
  if (bound <= 0) return 0;
  return Math.min(
    bound,
    maximumFlow({
      edges,
      racks: counts.rack,
      wanted: bound,
      clusterRoom: (c) => room("cluster", c),
      rackRoom: (r) => room("rack", r),
    }),
  );
}

type FlowInput = Readonly<{
  edges: ReadonlyMap<number, number>;
  racks: number;
  wanted: number;
  clusterRoom: (cluster: number) => number;
  rackRoom: (rack: number) => number;
}>;

/** Units that can flow through clusters and then racks; stops at `wanted`. Augmenting paths, since the flow is small. */
function maximumFlow({ edges, racks, wanted, clusterRoom, rackRoom }: FlowInput): number {
  const capacity = new Map(edges);
  const racksOf = new Map<number, number[]>();
  const clustersOf = new Map<number, number[]>();
  const clusterLeft = new Map<number, number>();
  const rackLeft = new Map<number, number>();
  for (const edge of edges.keys()) {
    const cluster = Math.floor(edge / racks);
    const rack = edge % racks;
    if (!racksOf.has(cluster)) {
      racksOf.set(cluster, []);
      clusterLeft.set(cluster, clusterRoom(cluster));
    }
    if (!clustersOf.has(rack)) {
      clustersOf.set(rack, []);
      rackLeft.set(rack, rackRoom(rack));
    }
    racksOf.get(cluster)!.push(rack);
    clustersOf.get(rack)!.push(cluster);
  }
  const flow = new Map<number, number>();
  let total = 0;
  const push = (cluster: number, amount: number, seen: Set<number>): number => {
    for (const rack of racksOf.get(cluster)!) {
      const edge = cluster * racks + rack;
      if (capacity.get(edge)! <= 0 || seen.has(rack)) continue;
      const through = Math.min(amount, capacity.get(edge)!);
      const left = rackLeft.get(rack)!;
      let pushed = 0;
      seen.add(rack);
      if (left > 0) {
        pushed = Math.min(through, left);
        rackLeft.set(rack, left - pushed);
      } else {
        for (const other of clustersOf.get(rack)!) {
          const back = other * racks + rack;
          const flowing = flow.get(back) ?? 0;
          if (other === cluster || flowing <= 0) continue;
          pushed = push(other, Math.min(through, flowing), seen);
          if (pushed > 0) {
            flow.set(back, flowing - pushed);
            capacity.set(back, capacity.get(back)! + pushed);
            break;
          }
        }
      }
      if (pushed > 0) {
        flow.set(edge, (flow.get(edge) ?? 0) + pushed);
        capacity.set(edge, capacity.get(edge)! - pushed);
        return pushed;
      }
    }
    return 0;
  };
  for (const cluster of racksOf.keys()) {
    while (total < wanted && clusterLeft.get(cluster)! > 0) {
      const pushed = push(cluster, Math.min(wanted - total, clusterLeft.get(cluster)!), new Set());
      if (pushed === 0) break;
      clusterLeft.set(cluster, clusterLeft.get(cluster)! - pushed);
      total += pushed;
    }
  }
  return total;
}

/** Whether some rule leaves too little for all remaining demands together, wherever they go. */
export function lacksInAll(state: SolverState): boolean {
  const { problem } = state;
  for (const [index, family] of problem.families.entries()) {
    if (family.soft) continue;
    let need = 0;
    for (let k = 0; k < problem.demands.length; k += 1) {
      const at = problem.demandFamilies[k]!.indexOf(index);
      if (at >= 0) need += state.remaining[k]! * problem.demandWeights[k]![at]!;
    }
    if (need === 0) continue;
    let have = 0;
    for (let limit = family.base; limit < family.base + family.size && have < need; limit += 1) {
      have += Math.max(0, problem.caps[limit]! - state.loads[limit]!);
    }
    if (have < need) return true;
  }
  return false;
}
