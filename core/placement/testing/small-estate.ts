import type { Estate } from "../estate.ts";

const size = { diskGiB: 0, ioMiBps: 0 };

/** One IDC, two racks of two hosts with 8 cores and 32 GiB each, one pool that retail and cards share. */
export function smallEstate(change: Partial<Estate> = {}): Estate {
  return {
    idcs: [{ id: "idc1" }],
    areas: [{ id: "core" }, { id: "dmz" }],
    clusters: [{ id: "k1", idc: "idc1", environment: "production", state: "available", stale: false }],
    racks: ["r1", "r2"].map((rack) => ({ id: `idc1-${rack}`, idc: "idc1", state: "available" as const })),
    subnets: ["r1", "r2"].map((rack) => ({
      id: `${rack}-core`,
      rack: `idc1-${rack}`,
      area: "core",
      fixedIps: 10,
      takenElsewhere: 0,
    })),
    pools: [
      {
        id: "shared-1",
        environment: "production",
        cpuOvercommitPercent: 100,
        shares: [
          {
            business: "retail",
            guarantee: { cpuMilli: 16_000, memoryMiB: 65_536 },
            limit: { cpuMilli: 24_000, memoryMiB: 131_072 },
          },
          {
            business: "cards",
            guarantee: { cpuMilli: 8_000, memoryMiB: 32_768 },
            limit: { cpuMilli: 32_000, memoryMiB: 131_072 },
          },
        ],
      },
    ],
    hosts: ["r1-h1", "r1-h2", "r2-h1", "r2-h2"].map((host) => ({
      id: `idc1-${host}`,
      rack: `idc1-${host.slice(0, 2)}`,
      cluster: "k1",
      pool: "shared-1",
      state: "available" as const,
      labels: {},
      ioClass: "ssd",
      allocatable: { cpuMilli: 8_000, memoryMiB: 32_768, ...size, instances: 20 },
      otherPods: { cpuMilli: 0, memoryMiB: 0, ...size, instances: 0 },
    })),
    dcns: [{ id: "1C1", group: "1C", idc: "idc1", environment: "production" }],
    classes: [
      { id: "2C4G", cpuMilli: 2_000, memoryMiB: 4_096, ...size },
      { id: "8C8G", cpuMilli: 8_000, memoryMiB: 8_192, ...size },
    ],
    subsystems: [
      { id: "5001", business: "retail", rules: {} },
      { id: "5002", business: "cards", rules: {} },
    ],
    vms: [],
    instances: [],
    ...change,
  };
}
