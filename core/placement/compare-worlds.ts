import { instanceRecord } from "./change-instance.ts";
import { isThere, quotaResources, resourceCount, type World } from "./world.ts";

/**
 * Where two pictures of one estate say different things, in words for a log, at most `most` of them. What a picture only keeps to search faster
 * (indexes, bounds) is not looked at.
 */
export function compareWorlds(kept: World, rebuilt: World, most: number): readonly string[] {
  const found: string[] = [];
  for (const difference of differences(kept, rebuilt)) {
    found.push(difference);
    if (found.length === most) break;
  }
  return found;
}

function* differences(kept: World, rebuilt: World): Generator<string> {
  for (const [what, read] of tables) {
    const [before, after] = [read(kept), read(rebuilt)];
    for (const [id, value] of before) {
      const other = after.get(id);
      after.delete(id);
      if (other !== value) yield `${what} ${id}: ${value} is kept, ${other ?? "nothing"} is true`;
    }
    for (const [id, value] of after) yield `${what} ${id}: nothing is kept, ${value} is true`;
  }
}

type Table = Map<string, string>;

const tables: readonly (readonly [string, (world: World) => Table])[] = [
  ["host", hostsOf],
  ["subnet", ({ subnets }) => of(subnets.names.ids, (at) => `${subnets.fixed[at]} fixed, ${subnets.free[at]} free`)],
  ["rack", racksOf],
  [
    "cluster",
    ({ clusters }) => of(clusters.names.ids, (at) => `state ${clusters.state[at]}, stale ${clusters.stale[at]}`),
  ],
  [
    "pool",
    ({ pools }) => of(pools.names.ids, (at) => [...pair(pools.capacity, at), ...pair(pools.claimed, at)].join(" ")),
  ],
  ["share", sharesOf],
  ["subsystem", ({ subsystems }) => of(subsystems.names.ids, (at) => JSON.stringify(subsystems.rules[at]))],
  ["instance", instanceTable],
];

function of(ids: readonly string[], value: (at: number) => string): Table {
  return new Map(ids.map((id, at) => [id, value(at)]));
}

function pair(values: Readonly<{ [at: number]: number }>, at: number): readonly number[] {
  return [values[at * quotaResources]!, values[at * quotaResources + 1]!];
}

function hostsOf(world: World): Table {
  const { hosts, racks, clusters, pools, profiles, labelSets, cells } = world;
  const table: Table = new Map();
  for (const [host, id] of hosts.names.ids.entries()) {
    if (!isThere(world, host)) continue;
    const numbers = (values: Int32Array) => values.subarray(host * resourceCount, (host + 1) * resourceCount).join(" ");
    const counts = profiles.ids
      .map((profile, at) => `${profile} ${hosts.profileCount[host * profiles.ids.length + at]}`)
      .sort();
    const place = [
      racks.names.ids[hosts.rack[host]!],
      clusters.names.ids[hosts.cluster[host]!],
      pools.names.ids[hosts.pool[host]!],
    ];
    const labels = labelSets.names.ids[cells.labelSet[hosts.cell[host]!]!];
    table.set(
      id,
      `${place.join("/")} state ${hosts.state[host]}, capacity ${numbers(hosts.capacity)}, free ${numbers(hosts.free)}, io ${hosts.ioHeavy[host]}/${hosts.ioSensitive[host]}, ${labels}, ${counts.join(" ")}`,
    );
  }
  return table;
}

function racksOf({ racks, areas }: World): Table {
  const width = areas.ids.length;
  return of(racks.names.ids, (rack) => {
    const free = areas.ids.map((area, at) => `${area} ${racks.freeIps[rack * width + at]}`).sort();
    return `state ${racks.state[rack]}, free IPs ${free.join(", ")}`;
  });
}

function sharesOf({ shares, pools, businesses }: World): Table {
  const table: Table = new Map();
  for (const [share, pool] of shares.pool.entries()) {
    const sums = [shares.used, shares.longTerm, shares.guarantee, shares.limit].flatMap((list) => pair(list, share));
    // A share that came up with an instance of a business without one, and went with it, says nothing.
    if (sums.every((sum) => sum === 0)) continue;
    table.set(`${pools.names.ids[pool]}/${businesses.ids[shares.business[share]!]}`, sums.join(" "));
  }
  return table;
}

function instanceTable(world: World): Table {
  const table: Table = new Map();
  for (const [id, row] of world.instances.names) {
    const { subsystem, dcn, class: size, host, subnets, lifetime, borrowed } = instanceRecord(world, row);
    table.set(id, `${subsystem}/${dcn} ${size} on ${host}, ${subnets.join(" ")}, ${lifetime}, borrowed ${borrowed}`);
  }
  return table;
}
