/** How large a simulated bank is. A cluster has an IDC, a DCN and racks of its own. */
export type SimulatedBankSize = Readonly<{
  clusters: number;
  racksPerCluster: number;
  hostsPerRack: number;
  subsystems: number;
}>;

/** A bank for simulated kubelets: what the estate says, and what its parts are called. */
export type SimulatedBank = Readonly<{
  documents: readonly object[];
  /** Names of clusters, and their hosts. */
  hostsOf: ReadonlyMap<string, readonly string[]>;
  dcnOf: ReadonlyMap<string, string>;
  subsystems: readonly string[];
}>;

const capacity = { cpuMilli: 16_000, memoryMiB: 32_768 };

/**
 * One business, retail, with its people ann and bob; an environment, production, that asks for tickets and one approval; for each cluster an IDC
 * and a DCN of the group 1C in it. A class, tiny, of which a host holds more than Kubernetes lets it.
 */
export function simulatedBank({
  clusters,
  racksPerCluster,
  hostsPerRack,
  subsystems,
}: SimulatedBankSize): SimulatedBank {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  const names = numbers(subsystems).map((number) => String(1000 + number));
  const hostsOf = new Map<string, string[]>();
  const dcnOf = new Map<string, string>();
  const limit = { cpuMilli: 100_000_000, memoryMiB: 200_000_000 };
  const places = numbers(clusters).flatMap((at) => {
    const idc = `idc${at}`;
    const cluster = `c${at}`;
    hostsOf.set(cluster, []);
    dcnOf.set(cluster, `1C${at}`);
    return [
      { kind: "IDC", name: idc, spec: { city: "shenzhen" } },
      { kind: "Cluster", name: cluster, spec: { idc, environment: "production" } },
      { kind: "DCN", name: `1C${at}`, spec: { group: "1C", idc, environment: "production", role: "active" } },
      ...numbers(racksPerCluster).flatMap((rack) => {
        const name = `${idc}-r${rack}`;
        const network = `10.${60 + at * 20 + rack}`;
        const range = {
          cidr: `${network}.0.0/20`,
          gateway: `${network}.15.254`,
          fixed: `${network}.1.0-${network}.7.255`,
        };
        return [
          { kind: "Rack", name, spec: { idc } },
          { kind: "Subnet", name: `${name}-core`, spec: { rack: name, area: "core", ...range } },
          ...numbers(hostsPerRack).map((host) => {
            hostsOf.get(cluster)?.push(`${name}-h${host}`);
            const addresses = { core: `${network}.0.${host}` };
            return {
              kind: "Host",
              name: `${name}-h${host}`,
              spec: { rack: name, cluster, pool: "shared", addresses, capacity },
            };
          }),
        ];
      }),
    ];
  });
  return {
    hostsOf,
    dcnOf,
    subsystems: names,
    documents: [
      { kind: "City", name: "shenzhen" },
      { kind: "Area", name: "core", spec: { external: false } },
      { kind: "Environment", name: "production", spec: { ticketRequired: true, approvals: 1 } },
      { kind: "Business", name: "retail" },
      { kind: "Person", name: "ann", spec: { business: "retail" } },
      { kind: "Person", name: "bob", spec: { business: "retail" } },
      { kind: "System", name: "savings", spec: { business: "retail" } },
      ...names.map((name) => ({
        kind: "Subsystem",
        name,
        spec: { system: "savings", importance: "A", owner: "ann" },
      })),
      { kind: "Class", name: "tiny", spec: { cpuMilli: 100, memoryMiB: 128 } },
      {
        kind: "Pool",
        name: "shared",
        spec: { environment: "production", quotas: { retail: { guarantee: { cpuMilli: 0, memoryMiB: 0 }, limit } } },
      },
      { kind: "DCNGroup", name: "1C" },
      ...places,
    ],
  };
}
