import type { EstateDocument } from "../index.ts";

/** How large an estate to make. */
export type EstateSize = Readonly<{ racks: number; hostsPerRack: number; subnetsPerRack: 1 | 2 }>;

/** An estate without a fault, of five IDCs and any size: racks with subnets, and hosts of ten pools in clusters of 50 racks. */
export function largeEstate({ racks, hostsPerRack, subnetsPerRack }: EstateSize): readonly EstateDocument[] {
  const documents: EstateDocument[] = [
    { kind: "City", name: "shenzhen", spec: {} },
    { kind: "Environment", name: "production", spec: { ticketRequired: true, approvals: 1 } },
    { kind: "Area", name: "core", spec: { external: false } },
    { kind: "Area", name: "dmz", spec: { external: true } },
    { kind: "Business", name: "retail", spec: {} },
  ];
  for (let idc = 1; idc <= 5; idc += 1) documents.push({ kind: "IDC", name: `idc${idc}`, spec: { city: "shenzhen" } });
  const quota = { guarantee: { cpuMilli: 32_000, memoryMiB: 65_536 }, limit: { cpuMilli: 1e9, memoryMiB: 1e9 } };
  for (let pool = 0; pool < 10; pool += 1) {
    documents.push({
      kind: "Pool",
      name: `pool-${pool}`,
      spec: { environment: "production", quotas: { retail: quota } },
    });
  }
  for (let rack = 0; rack < racks; rack += 1) {
    const idc = `idc${(rack % 5) + 1}`;
    const cluster = `${idc}-c${Math.floor(rack / 250) + 1}`;
    if (rack % 250 < 5) documents.push({ kind: "Cluster", name: cluster, spec: { idc, environment: "production" } });
    const name = `${idc}-r${rack}`;
    documents.push({ kind: "Rack", name, spec: { idc } });
    const areas = ["core", "dmz"].slice(0, subnetsPerRack);
    for (const [at, area] of areas.entries()) {
      const network = `10.${(at === 0 ? 0 : 128) + Math.floor(rack / 256)}.${rack % 256}`;
      documents.push({
        kind: "Subnet",
        name: `${name}-${area}`,
        spec: {
          rack: name,
          area,
          cidr: `${network}.0/24`,
          gateway: `${network}.254`,
          fixed: `${network}.128-${network}.240`,
          dynamic: `${network}.100-${network}.127`,
        },
      });
    }
    for (let host = 1; host <= hostsPerRack; host += 1) {
      documents.push({
        kind: "Host",
        name: `${name}-h${host}`,
        labels: { disk: host % 2 === 0 ? "ssd" : "disk" },
        spec: {
          rack: name,
          cluster,
          pool: `pool-${rack % 10}`,
          addresses: { core: `10.${Math.floor(rack / 256)}.${rack % 256}.${host}` },
          capacity: { cpuMilli: 64_000, memoryMiB: 262_144, diskGiB: 2000 },
        },
      });
    }
  }
  return documents;
}
