import type { Query, Row } from "../database/database.ts";
import type { OccupiedAddress } from "./sync-occupied.ts";

/** The kinds of the estate whose addresses the ledger takes over, as the ledger calls them. */
export const machineKinds = ["host", "vm"] as const;
export type MachineKind = (typeof machineKinds)[number];

/** Names of hosts or VMs whose addresses in the ledger may not be what the estate says. */
export type MachineNames = Readonly<Record<MachineKind, readonly string[]>>;

type NameRow = Row & Readonly<{ kind: MachineKind; name: string }>;

/**
 * Hosts and VMs that were changed or deleted after a version of the estate, and those that could not be taken over before: what stood in the
 * way may be gone.
 */
export async function changedMachines(query: Query, afterVersion: number): Promise<MachineNames> {
  return byKind(
    await query<NameRow>(
      `SELECT 'host' AS kind, name FROM hosts WHERE version > $1
       UNION SELECT 'vm', name FROM vms WHERE version > $1
       UNION SELECT lower(kind), name FROM estate_deletions WHERE version > $1 AND kind IN ('Host', 'VM')
       UNION SELECT k.kind, d.host FROM ipam_differences d, unnest(ARRAY['host', 'vm']) AS k (kind) WHERE d.kind = 'estate-claim'`,
      [afterVersion],
    ),
  );
}

/** The hosts and VMs, of those named or of all, whose addresses differ between estate and ledger. PostgreSQL compares: at 20,000 hosts few or none come here. */
export async function differingMachines(query: Query, among: MachineNames | null): Promise<MachineNames> {
  const parts = machineKinds.flatMap((kind) => {
    const parameter = kind === "host" ? "$1" : "$2";
    const named = (column: string): string => (among === null ? "" : `AND ${column} = ANY(${parameter}::text[])`);
    const owned = `a.owner_kind = '${kind}' AND a.state = 'bound'`;
    return [
      `SELECT '${kind}' AS kind, m.${kind} AS name FROM machine_addresses m WHERE m.${kind} IS NOT NULL ${named(`m.${kind}`)}
         AND NOT EXISTS (SELECT FROM ipam_addresses a WHERE ${owned} AND (a.ip, a.owner, a.nic) = (m.address, m.${kind}, m.area))`,
      `SELECT '${kind}', a.owner FROM ipam_addresses a WHERE ${owned} ${named("a.owner")}
         AND NOT EXISTS (SELECT FROM machine_addresses m WHERE (m.address, m.${kind}, m.area) = (a.ip, a.owner, a.nic))`,
    ];
  });
  return byKind(await query<NameRow>(parts.join(" UNION "), among === null ? [] : [among.host, among.vm]));
}

type MachineRow = Row &
  Readonly<{
    ip: string;
    name: string;
    area: string;
    subsystem: string | null;
    business: string | null;
    environment: string | null;
    dcn_group: string | null;
  }>;

/** The addresses that the estate gives to hosts or VMs of these names. */
export async function addressesOfMachines(
  query: Query,
  kind: MachineKind,
  names: readonly string[],
): Promise<readonly OccupiedAddress[]> {
  const rows = await query<MachineRow>(
    `SELECT host(m.address) AS ip, m.${kind} AS name, m.area, v.subsystem, v.business, v.environment, v.dcn_group
     FROM machine_addresses m LEFT JOIN vms v ON v.name = m.vm WHERE m.${kind} = ANY($1::text[]) ORDER BY m.address`,
    [names],
  );
  return rows.map(({ ip, name, area: nic, subsystem, business, environment, dcn_group: dcnGroup }) => {
    return { ip, owner: { kind, name, nic }, subsystem, scope: { business, environment, dcnGroup } };
  });
}

function byKind(rows: readonly NameRow[]): MachineNames {
  const of = (kind: MachineKind): readonly string[] =>
    rows.flatMap((row) => (row.kind === kind ? [row.name] : [])).sort();
  return { host: of("host"), vm: of("vm") };
}
