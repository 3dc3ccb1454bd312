import type { Estate, PlacementRequest } from "@wcs/core/placement";

/** How large a made-up bank is. IDCs, pools and businesses grow with it as told in docs/placement.md. */
export type BankSize = Readonly<{ hosts: number; subsystems: number; dcns: number; clusters: number }>;

const hostsInRack = 20;
const clustersInIdc = 4;
const poolCount = 8;
const businessCount = 40;
const dcnsInGroup = 3;

const noDisk = { diskGiB: 0, ioMiBps: 0 };

/** Classes and how often of ten instances they are asked for. */
const classes = [
  { id: "2C4G", cpuMilli: 2000, memoryMiB: 4096, diskGiB: 20, ioMiBps: 10, often: 5 },
  { id: "4C8G", cpuMilli: 4000, memoryMiB: 8192, diskGiB: 40, ioMiBps: 20, often: 4 },
  { id: "8C16G", cpuMilli: 8000, memoryMiB: 16384, diskGiB: 80, ioMiBps: 40, often: 1 },
];

function range(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at);
}

/** An empty bank: hosts of 48 cores and 128 GiB, 20 to a rack, one core subnet a rack, eight pools over all IDCs. */
export function bankEstate(size: BankSize): Estate {
  const idcCount = size.clusters / clustersInIdc;
  const racks = range(Math.ceil(size.hosts / hostsInRack)).map((n) => ({
    id: `idc${n % idcCount}-r${Math.floor(n / idcCount)}`,
    idc: `idc${n % idcCount}`,
    state: "available" as const,
  }));
  const large = size.hosts * 48_000;
  return {
    idcs: range(idcCount).map((n) => ({ id: `idc${n}` })),
    areas: [{ id: "core" }],
    clusters: range(idcCount).flatMap((n) =>
      range(clustersInIdc).map((k) => ({
        id: `idc${n}-k${k}`,
        idc: `idc${n}`,
        environment: "production",
        state: "available" as const,
        stale: false,
      })),
    ),
    racks,
    subnets: racks.map(({ id }) => ({ id: `${id}-core`, rack: id, area: "core", fixedIps: 400, takenElsewhere: 20 })),
    pools: range(poolCount).map((n) => ({
      id: `shared-${n}`,
      environment: "production",
      cpuOvercommitPercent: 120,
      bigClass: "8C16G",
      shares: range(businessCount)
        .filter((b) => b % poolCount === n || (b + 1) % poolCount === n)
        .map((b) => ({
          business: `b${b}`,
          guarantee: {
            cpuMilli: Math.floor(large / poolCount / 20),
            memoryMiB: Math.floor(large / poolCount / 20) * 2,
          },
          limit: { cpuMilli: large, memoryMiB: large * 4 },
        })),
    })),
    hosts: range(size.hosts).map((n) => {
      const rack = racks[n % racks.length]!;
      const inRack = Math.floor(n / racks.length);
      const rackNumber = Math.floor((n % racks.length) / idcCount);
      return {
        id: `${rack.id}-h${inRack}`,
        rack: rack.id,
        cluster: `${rack.idc}-k${rackNumber % clustersInIdc}`,
        pool: `shared-${Math.floor(rackNumber / clustersInIdc) % poolCount}`,
        state: "available" as const,
        labels: {},
        ioClass: "ssd",
        allocatable: { cpuMilli: 48_000, memoryMiB: 131_072, diskGiB: 2000, ioMiBps: 1000, instances: 110 },
        otherPods: { cpuMilli: 1000, memoryMiB: 4096, ...noDisk, instances: 8 },
      };
    }),
    dcns: range(size.dcns).map((n) => ({
      id: `D${Math.floor(n / dcnsInGroup)}-${n % dcnsInGroup}`,
      group: `D${Math.floor(n / dcnsInGroup)}`,
      idc: `idc${(Math.floor(n / dcnsInGroup) + (n % dcnsInGroup) * 3) % idcCount}`,
      environment: "production",
    })),
    classes,
    subsystems: range(size.subsystems).map((n) => ({
      id: String(1000 + n),
      business: `b${n % businessCount}`,
      profile: `profile-${n % 6}`,
      ioHeavy: n % 10 === 3,
      ioSensitive: n % 10 === 7,
      rules: {
        maxPerHost: 1,
        survival: [
          { domain: "rack", of: "dcn", sharePercent: 50 },
          { domain: "cluster", of: "dcn", sharePercent: 34 },
        ],
      },
    })),
    vms: [],
    instances: [],
  };
}

/** The n-th request that fills the bank: ten instances of one subsystem in one DCN. */
export function fillingRequest(estate: Estate, n: number): PlacementRequest {
  const subsystem = estate.subsystems[n % estate.subsystems.length]!;
  const round = Math.floor(n / estate.subsystems.length);
  const dcn = estate.dcns[((n % estate.subsystems.length) * 7 + round) % estate.dcns.length]!;
  return { items: [{ subsystem: subsystem.id, class: classOf(n), areas: ["core"], counts: { [dcn.id]: 10 } }] };
}

/** A request of ten more instances of a subsystem in a DCN, or five each in two DCNs of a group. */
export function tenMore(
  estate: Estate,
  n: number,
  existing: (subsystem: string, dcn: string) => number,
): PlacementRequest {
  const subsystem = estate.subsystems[(n * 37) % estate.subsystems.length]!;
  const first = estate.dcns[(n * 11) % estate.dcns.length]!;
  const second = estate.dcns.find((dcn) => dcn.group === first.group && dcn.id !== first.id);
  const split = n % 2 === 1 && second !== undefined;
  const counts: Record<string, number> = { [first.id]: existing(subsystem.id, first.id) + (split ? 5 : 10) };
  if (split) counts[second.id] = existing(subsystem.id, second.id) + 5;
  return { items: [{ subsystem: subsystem.id, class: classOf(n * 3 + 1), areas: ["core"], counts }] };
}

function classOf(n: number): string {
  let left = (n * 7) % 10;
  for (const { id, often } of classes) {
    if (left < often) return id;
    left -= often;
  }
  return classes[0]!.id;
}
