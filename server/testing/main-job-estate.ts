/** The hosts of `mainJobEstate`; the first and the third are in one rack. */
export const mainJobHosts = ["idc1-h1", "idc1-h2", "idc1-h3"];

/** One IDC with two racks and three hosts; two DCNs of one group; one business. */
export function mainJobEstate(): unknown[] {
  const limit = { cpuMilli: 100_000, memoryMiB: 200_000 };
  const racks = [1, 2].map((rack) => `idc1-r${rack}`);
  return [
    { kind: "City", name: "shenzhen" },
    { kind: "IDC", name: "idc1", spec: { city: "shenzhen" } },
    { kind: "Area", name: "core", spec: { external: false } },
    ...racks.map((name) => ({ kind: "Rack", name, spec: { idc: "idc1" } })),
    ...[1, 2].map((rack) => ({
      kind: "Subnet",
      name: `idc1-r${rack}-core`,
      spec: {
        rack: `idc1-r${rack}`,
        area: "core",
        cidr: `10.71.${rack}.0/24`,
        gateway: `10.71.${rack}.254`,
        fixed: `10.71.${rack}.100-10.71.${rack}.199`,
      },
    })),
    { kind: "Environment", name: "production", spec: { ticketRequired: true, approvals: 1 } },
    { kind: "Business", name: "retail" },
    { kind: "Person", name: "ann", spec: { business: "retail" } },
    { kind: "Person", name: "bob", spec: { business: "retail" } },
    { kind: "System", name: "savings", spec: { business: "retail" } },
    { kind: "Subsystem", name: "1001", spec: { system: "savings", importance: "A", owner: "ann" } },
    ...[2, 4, 8, 12].map((cores) => ({
      kind: "Class",
      name: `${cores}C${cores * 2}G`,
      spec: { cpuMilli: cores * 1000, memoryMiB: cores * 2048 },
    })),
    { kind: "Cluster", name: "idc1-c1", spec: { idc: "idc1", environment: "production" } },
    {
      kind: "Pool",
      name: "shared-1",
      spec: { environment: "production", quotas: { retail: { guarantee: { cpuMilli: 0, memoryMiB: 0 }, limit } } },
    },
    ...mainJobHosts.map((name, index) => ({
      kind: "Host",
      name,
      spec: {
        rack: racks[index % 2],
        cluster: "idc1-c1",
        pool: "shared-1",
        addresses: { core: `10.71.${(index % 2) + 1}.${index + 1}` },
        capacity: { cpuMilli: 16_000, memoryMiB: 32_768 },
      },
    })),
    { kind: "DCNGroup", name: "1C", spec: { sharedIdc: true } },
    ...["1C1", "1C2"].map((name) => ({
      kind: "DCN",
      name,
      spec: { group: "1C", idc: "idc1", environment: "production", role: "active" },
    })),
  ];
}
