import { buildWorld, poolDetail, type Estate, type InstanceRecord } from "@wcs/core/placement";

/** How instances lie: variances of the share of CPU in use, and what is left for large instances. */
export type Layout = Readonly<{
  hostVariance: number;
  rackVariance: number;
  /** Most instances of one application in one rack, and on one host. */
  worstInRack: number;
  worstOnHost: number;
  /** Of an 8C16G: places left, of those there would be were all that is free in one piece. */
  bigPlaces: number;
  bigPlacesInOnePiece: number;
}>;

/** Measures where instances were put, by whomever. */
export function layoutOf(estate: Estate, instances: readonly InstanceRecord[]): Layout {
  const cpuOf = new Map(estate.classes.map((each) => [each.id, each.cpuMilli]));
  const rackOf = new Map(estate.hosts.map((host) => [host.id, host.rack]));
  const byHost = new Map(estate.hosts.map((host) => [host.id, { used: 0, has: host.allocatable.cpuMilli }]));
  const byRack = new Map(estate.racks.map((rack) => [rack.id, { used: 0, has: 0 }]));
  for (const host of estate.hosts) byRack.get(host.rack)!.has += host.allocatable.cpuMilli;
  const inRack = new Map<string, number>();
  const onHost = new Map<string, number>();
  const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);
  for (const { subsystem, host, class: size } of instances) {
    const cpu = cpuOf.get(size)!;
    byHost.get(host)!.used += cpu;
    byRack.get(rackOf.get(host)!)!.used += cpu;
    count(inRack, `${subsystem} ${rackOf.get(host)}`);
    count(onHost, `${subsystem} ${host}`);
  }
  const world = buildWorld({ ...estate, instances });
  const big = estate.pools.map(({ id }) => poolDetail(world, id).fragmentation.find((each) => each.class === "8C16G")!);
  return {
    hostVariance: variance([...byHost.values()].map(({ used, has }) => used / has)),
    rackVariance: variance([...byRack.values()].map(({ used, has }) => used / has)),
    worstInRack: Math.max(0, ...inRack.values()),
    worstOnHost: Math.max(0, ...onHost.values()),
    bigPlaces: big.reduce((sum, each) => sum + each.fits, 0),
    bigPlacesInOnePiece: big.reduce((sum, each) => sum + each.inOnePiece, 0),
  };
}

function variance(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}
