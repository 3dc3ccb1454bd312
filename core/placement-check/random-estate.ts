import type { Estate, FailureDomain, OperatingState, PlacementRequest, PlacementRules } from "../placement/index.ts";
import { seededRandom, type SeededRandom } from "./seeded-random.ts";

/** A small estate and a request for it, both random but decided by the seed. Often tight, sometimes impossible. */
export type RandomCase = Readonly<{ estate: Estate; request: PlacementRequest }>;

export function randomCase(seed: number): RandomCase {
  const random = seededRandom(seed);
  const estate = randomEstate(random);
  return { estate, request: randomRequest(random, estate) };
}

const classes = [
  { id: "1C2G", cpuMilli: 1000, memoryMiB: 2048, diskGiB: 10, ioMiBps: 10 },
  { id: "2C4G", cpuMilli: 2000, memoryMiB: 4096, diskGiB: 20, ioMiBps: 20 },
  { id: "4C4G", cpuMilli: 4000, memoryMiB: 4096, diskGiB: 20, ioMiBps: 0 },
  { id: "2C8G-ssd", cpuMilli: 2000, memoryMiB: 8192, diskGiB: 0, ioMiBps: 60, ioClass: "ssd" },
  { id: "8C16G", cpuMilli: 8000, memoryMiB: 16384, diskGiB: 40, ioMiBps: 0 },
];

const businesses = ["retail", "cards"];

function range(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at + 1);
}

function randomState(random: SeededRandom, faults: number): OperatingState {
  if (!random.percent(faults)) return "available";
  return random.percent(50) ? "unavailable" : "offline";
}

function randomEstate(random: SeededRandom): Estate {
  const idcs = range(random.between(1, 2)).map((n) => ({ id: `idc${n}` }));
  const clusters = idcs.flatMap(({ id: idc }) =>
    range(random.between(1, 3)).map((n) => ({
      id: `${idc}-k${n}`,
      idc,
      environment: "production",
      state: randomState(random, 4),
      stale: random.percent(4),
    })),
  );
  const racks = idcs.flatMap(({ id: idc }) =>
    range(random.between(2, 5)).map((n) => ({ id: `${idc}-r${n}`, idc, state: randomState(random, 3) })),
  );
  const subnets = racks.flatMap(({ id: rack }) =>
    ["core", "dmz"].flatMap((area) =>
      random.percent(area === "core" ? 98 : 80)
        ? range(random.between(1, 2)).map((n) => ({
            id: `${rack}-${area}-${n}`,
            rack,
            area,
            fixedIps: random.between(2, 12),
            takenElsewhere: random.between(0, 2),
          }))
        : [],
    ),
  );
  const poolIds = range(random.between(1, 2)).map((n) => `shared-${n}`);
  const hosts = racks.flatMap(({ id: rack, idc }) =>
    range(random.between(1, 5)).map((n) => ({
      id: `${rack}-h${n}`,
      rack,
      cluster: random.pick(clusters.filter((cluster) => cluster.idc === idc)).id,
      pool: random.pick(poolIds),
      state: randomState(random, 6),
      labels: random.percent(30) ? { disk: "nvme" } : {},
      ioClass: random.percent(40) ? "ssd" : "hdd",
      allocatable: {
        cpuMilli: random.between(3, 16) * 1000,
        memoryMiB: random.between(6, 40) * 1024,
        diskGiB: random.between(30, 100),
        ioMiBps: random.between(40, 150),
        instances: random.between(3, 8),
      },
      otherPods: { cpuMilli: 500, memoryMiB: 1024, diskGiB: 0, ioMiBps: 0, instances: 1 },
    })),
  );
  const pools = poolIds.map((id) => ({
    id,
    environment: "production",
    cpuOvercommitPercent: random.pick([100, 120, 150]),
    ...(random.percent(50) ? { bigClass: "8C16G" } : {}),
    shares: businesses
      .filter(() => random.percent(95))
      .map((business) => {
        const guarantee = { cpuMilli: random.between(4, 40) * 1000, memoryMiB: random.between(8, 80) * 1024 };
        return {
          business,
          guarantee,
          limit: {
            cpuMilli: guarantee.cpuMilli + random.between(0, 30) * 1000,
            memoryMiB: guarantee.memoryMiB + random.between(0, 60) * 1024,
          },
        };
      }),
  }));
  const dcns = [
    ...idcs.map(({ id: idc }, n) => ({ id: `1C${n + 1}`, group: "1C", idc, environment: "production" })),
    { id: "2C1", group: "2C", idc: idcs[0]!.id, environment: "production" },
  ].map((dcn) => {
    const own = clusters.filter((cluster) => cluster.idc === dcn.idc && random.percent(80)).map(({ id }) => id);
    return {
      ...dcn,
      ...(random.percent(50) ? { databaseRack: random.pick(racks.filter((rack) => rack.idc === dcn.idc)).id } : {}),
      ...(random.percent(15) && own.length > 0 ? { clusters: own } : {}),
    };
  });
  const subsystemIds = range(4).map((n) => `500${n}`);
  const subsystems = subsystemIds.map((id) => {
    const heavy = random.percent(25);
    return {
      id,
      business: random.pick(businesses),
      ...(random.percent(60) ? { profile: random.pick(["java", "batch"]) } : {}),
      ioHeavy: heavy,
      ioSensitive: !heavy && random.percent(25),
      rules: randomRules(random, id, subsystemIds),
    };
  });
  const estate: Estate = {
    idcs,
    areas: [{ id: "core" }, { id: "dmz" }],
    clusters,
    racks,
    subnets,
    pools,
    hosts,
    dcns,
    classes,
    subsystems,
    vms: range(random.between(0, 3)).map((n) => ({
      subsystem: random.pick(subsystemIds),
      dcn: random.pick(dcns).id,
      rack: random.pick(racks).id,
      ...(random.percent(60) ? { host: `esx-${n % 2}` } : {}),
    })),
    instances: [],
  };
  return { ...estate, instances: randomInstances(random, estate) };
}

function randomRules(random: SeededRandom, own: string, subsystems: readonly string[]): PlacementRules {
  const domains: FailureDomain[] = ["host", "rack", "cluster", "idc"];
  const others = subsystems.filter((id) => id !== own);
  return {
    ...(random.percent(40) ? { maxPerHost: random.between(1, 3) } : {}),
    ...(random.percent(20) ? { maxPerRack: random.between(2, 4) } : {}),
    ...(random.percent(50)
      ? {
          survival: domains
            .filter((domain) => random.percent(domain === "rack" ? 60 : domain === "idc" ? 4 : 12))
            .map((domain) => ({
              domain,
              of: domain === "idc" || random.percent(20) ? ("group" as const) : ("dcn" as const),
              sharePercent: random.pick([20, 33, 50, 50]),
            })),
        }
      : {}),
    ...(random.percent(8) ? { together: [{ subsystem: random.pick(others), domain: random.pick(domains) }] } : {}),
    ...(random.percent(15)
      ? { apart: [{ subsystem: random.pick(others), domain: random.pick(["host", "rack"] as const) }] }
      : {}),
    ...(random.percent(6) ? { hostLabels: { disk: "nvme" } } : {}),
  };
}

/** Instances that are there already; they need not keep all soft or even hard rules, as in life. */
function randomInstances(random: SeededRandom, estate: Estate): Estate["instances"] {
  return range(random.between(0, 8)).flatMap((n) => {
    const subsystem = random.pick(estate.subsystems);
    const dcn = random.pick(estate.dcns);
    const hosts = estate.hosts.filter((host) => estate.racks.find(({ id }) => id === host.rack)!.idc === dcn.idc);
    if (hosts.length === 0) return [];
    const host = random.pick(hosts);
    const subnets = estate.subnets.filter((subnet) => subnet.rack === host.rack && subnet.area === "core");
    if (subnets.length === 0) return [];
    return [
      {
        id: `i-${n}`,
        subsystem: subsystem.id,
        dcn: dcn.id,
        class: random.pick(["1C2G", "2C4G"]),
        host: host.id,
        subnets: [random.pick(subnets).id],
        lifetime: random.percent(25) ? ("temporary" as const) : ("long-term" as const),
        borrowed: false,
      },
    ];
  });
}

function randomRequest(random: SeededRandom, estate: Estate): PlacementRequest {
  const chosen = estate.subsystems.filter(() => random.percent(35));
  const items = (chosen.length === 0 ? [estate.subsystems[0]!] : chosen.slice(0, 3)).map((subsystem) => {
    const dcns = estate.dcns.filter(() => random.percent(35));
    const counts = (dcns.length === 0 ? [estate.dcns[0]!] : dcns).map((dcn) => {
      const existing = estate.instances.filter((each) => each.subsystem === subsystem.id && each.dcn === dcn.id).length;
      return [dcn.id, existing + random.pick([1, 2, 2, 3, 4, 4, 6])] as const;
    });
    return {
      subsystem: subsystem.id,
      class: random.pick(classes).id,
      areas: random.pick([["core"], ["core"], ["core"], ["dmz"], ["core", "dmz"], ["core", "core"]]),
      counts: Object.fromEntries(counts),
      lifetime: random.percent(20) ? ("temporary" as const) : ("long-term" as const),
    };
  });
  return { items };
}
