import { localDomains, type LocalDomain } from "./problem.ts";
import { stableKey } from "./names.ts";
import { domainOfHost } from "./surroundings.ts";
import type { World } from "./world.ts";

/** The candidates of a problem and the places that they are in, by small indexes. */
export type CandidateTable = Readonly<{
  count: number;
  hosts: Int32Array;
  instances: Int32Array;
  tieKeys: Float64Array;
  ofHost: ReadonlyMap<number, number>;
  ofInstance: ReadonlyMap<number, number>;
  places: Readonly<Record<LocalDomain, Int32Array>>;
  placeCounts: Readonly<Record<LocalDomain, number>>;
  placeIndexes: Readonly<Record<LocalDomain, readonly number[]>>;
}>;

/** Joins the hosts of all demands, and the instances of which some are kept. */
export function candidateTable(
  world: World,
  hostLists: readonly (readonly number[])[],
  instanceRows: readonly number[],
): CandidateTable {
  const ofHost = new Map<number, number>();
  const ofInstance = new Map<number, number>();
  // In the order of their keys, so that the search does not depend on the order in which hosts were read.
  const { key, names } = world.hosts;
  const hostOf = [...new Set(hostLists.length === 1 ? hostLists[0] : hostLists.flat())].sort(
    (a, b) => key[a]! - key[b]! || (names.ids[a]! < names.ids[b]! ? -1 : 1),
  );
  for (const [at, host] of hostOf.entries()) ofHost.set(host, at);
  const rowOf = hostOf.map(() => -1);
  for (const row of instanceRows) {
    if (ofInstance.has(row)) continue;
    ofInstance.set(row, hostOf.length);
    hostOf.push(world.instances.host[row]!);
    rowOf.push(row);
  }
  const count = hostOf.length;
  const places = {} as Record<LocalDomain, Int32Array>;
  const placeCounts = {} as Record<LocalDomain, number>;
  const placeIndexes = {} as Record<LocalDomain, number[]>;
  const indexOf = (host: number, domain: Exclude<LocalDomain, "candidate">) => {
    return domain === "pool" ? world.hosts.pool[host]! : domainOfHost(world, host, domain);
  };
  for (const domain of localDomains) {
    if (domain === "candidate" || (domain === "host" && ofInstance.size === 0)) {
      // Every candidate is a place of its own.
      places[domain] = Int32Array.from(hostOf.keys());
      placeCounts[domain] = count;
      placeIndexes[domain] = domain === "host" ? hostOf : [...hostOf.keys()];
      continue;
    }
    const local = new Map<number, number>();
    const indexes: number[] = [];
    places[domain] = new Int32Array(count);
    for (let at = 0; at < count; at += 1) {
      const index = indexOf(hostOf[at]!, domain);
      let place = local.get(index);
      if (place === undefined) {
        place = indexes.length;
        local.set(index, place);
        indexes.push(index);
      }
      places[domain][at] = place;
    }
    placeCounts[domain] = indexes.length;
    placeIndexes[domain] = indexes;
  }
  const tieKeys = Float64Array.from(hostOf, (host, at) =>
    rowOf[at]! < 0 ? world.hosts.key[host]! : stableKey(world.instances.ids[rowOf[at]!]!),
  );
  return {
    count,
    hosts: Int32Array.from(hostOf),
    instances: Int32Array.from(rowOf),
    tieKeys,
    ofHost,
    ofInstance,
    places,
    placeCounts,
    placeIndexes,
  };
}
