import type { World } from "../placement/index.ts";

/** All that a world says, by ids and in order: two worlds that say the same have equal digests, however they came to be. */
export function digestWorld(world: World): Readonly<Record<string, unknown>> {
  const { hosts, racks, subnets, shares, pools, instances } = world;
  const perHost = hosts.free.length / hosts.rack.length;
  const profiles = world.profiles.ids;
  const sorted = <T>(entries: readonly (readonly [string, T])[]) =>
    Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    hosts: sorted(
      hosts.names.ids.flatMap((id, host) =>
        hosts.cell[host] === -1
          ? []
          : [
              [
                id,
                {
                  rack: racks.names.ids[hosts.rack[host]!],
                  cluster: world.clusters.names.ids[hosts.cluster[host]!],
                  pool: pools.names.ids[hosts.pool[host]!],
                  state: hosts.state[host],
                  capacity: [...hosts.capacity.subarray(host * perHost, (host + 1) * perHost)],
                  free: [...hosts.free.subarray(host * perHost, (host + 1) * perHost)],
                  profiles: sorted(profiles.map((name, at) => [name, hosts.profileCount[host * profiles.length + at]])),
                  io: [hosts.ioHeavy[host], hosts.ioSensitive[host]],
                  inItsCell: world.cells.hosts[hosts.cell[host]!]!.includes(host),
                },
              ] as const,
            ],
      ),
    ),
    cells: sorted(
      [...world.cells.slot].flatMap(([, cell]) =>
        world.cells.hosts[cell]!.length === 0
          ? []
          : [
              [
                world.cells.hosts[cell]!.map((host) => hosts.names.ids[host]!).sort()[0]!,
                [world.cells.used, world.cells.capacity].map((table) => [table[cell * 2], table[cell * 2 + 1]]),
              ] as const,
            ],
      ),
    ),
    freeIps: sorted(
      racks.names.ids.flatMap((rack, at) =>
        world.areas.ids.map((area, n) => [`${rack}/${area}`, racks.freeIps[at * world.areas.ids.length + n]] as const),
      ),
    ),
    subnets: sorted(subnets.names.ids.map((id, subnet) => [id, subnets.free[subnet]])),
    pools: sorted(
      pools.names.ids.map((id, pool) => [
        id,
        {
          capacity: [...pools.capacity.subarray(pool * 2, pool * 2 + 2)],
          claimed: [...pools.claimed.subarray(pool * 2, pool * 2 + 2)],
        },
      ]),
    ),
    shares: sorted(
      shares.pool.flatMap((pool, share) => {
        const sums = [shares.used, shares.longTerm, shares.guarantee, shares.limit].map((table) => [
          table[share * 2],
          table[share * 2 + 1],
        ]);
        // A share that came up with an instance of a business without one, and went with it, says nothing.
        if (sums.flat().every((each) => each === 0)) return [];
        return [[`${pools.names.ids[pool]}/${world.businesses.ids[shares.business[share]!]}`, sums] as const];
      }),
    ),
    instances: sorted(
      [...instances.names].map(([id, row]) => [
        id,
        [
          hosts.names.ids[instances.host[row]!],
          instances.class[row],
          instances.flags[row],
          instances.deployment[row] !== undefined,
        ],
      ]),
    ),
    deployments: sorted(
      world.deployments.subsystem.flatMap((subsystem, at) => {
        const rows = world.deployments.instances[at]!;
        if (rows.length + world.deployments.vms[at]!.length === 0) return [];
        const name = `${world.subsystems.names.ids[subsystem]}/${world.dcns.names.ids[world.deployments.dcn[at]!]}`;
        const positions = rows.every((row, position) => instances.at[row] === position);
        return [
          [
            name,
            { ids: rows.map((row) => instances.ids[row]!).sort(), vms: world.deployments.vms[at]!.length, positions },
          ] as const,
        ];
      }),
    ),
  };
}
