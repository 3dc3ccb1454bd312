import type { Row } from "../database/database.ts";
import { transaction, type ActContext } from "../database/transaction.ts";
import { Failure } from "../http/failure.ts";
import type { Platform } from "../program/platform.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import { keepDifferences } from "./keep-differences.ts";
import { forgetSubnet, syncArea, syncSubnet, type LedgerArea, type LedgerSubnet } from "./sync-network.ts";
import { syncOccupied, type OccupiedAddress } from "./sync-occupied.ts";

const followed: ReadonlySet<string> = new Set(["Area", "Subnet", "Host", "VM"]);
const resyncMs = 300_000;

/** Takes over what the estate says of areas, subnets, and the addresses of hosts and VMs, a moment after it was changed. */
export function estateFollower(platform: Platform, context: ActContext): Reconciler {
  return {
    name: "ipam-estate",
    keys: async () => ["all"],
    keysOf: ({ kind }) => (followed.has(kind) ? ["all"] : []),
    reconcile: () => followEstate(platform, context),
    resyncMs,
    workers: 1,
  };
}

/**
 * One round. A subnet that can't be taken over (addresses are in use where it was) holds nothing else up: the others are, and then this
 * throws with all of them, so that it is tried again and seen in the log.
 */
export async function followEstate({ database }: Pick<Platform, "database">, context: ActContext): Promise<void> {
  const refused: string[] = [];
  const attempt = async (work: Parameters<typeof transaction<void>>[2]): Promise<void> => {
    try {
      await transaction(database, { context }, work);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      refused.push(error.message);
    }
  };
  for (const area of await database.query<Row & LedgerArea>(areasText)) await attempt((tx) => syncArea(tx, area));
  // What is gone first, so that its network can be another's.
  const gone = await database.query<Row & Readonly<{ name: string }>>(
    "SELECT name FROM ipam_subnets i WHERE NOT EXISTS (SELECT 1 FROM subnets s WHERE s.name = i.name) ORDER BY name",
  );
  for (const { name } of gone) await attempt((tx) => forgetSubnet(tx, name));
  const changed = await database.query<Row & LedgerSubnet>(changedSubnetsText);
  for (const subnet of changed) await attempt((tx) => syncSubnet(tx, subnet));
  await transaction(database, { context }, async (tx) => {
    const machines = await tx.query<MachineRow>(machinesText);
    const found = [];
    for (const kind of ["host", "vm"] as const) {
      const occupied = machines.filter((machine) => machine.kind === kind).map(occupiedOf);
      const scopes = new Map(occupied.map(({ ip, scope }) => [ip, scope]));
      for (const { ip, owner, detail } of await syncOccupied(tx, kind, occupied)) {
        const claim = `the estate gives it to ${owner.kind} ${owner.name}: ${detail}`;
        const scope = scopes.get(ip) ?? noScope;
        found.push({ kind: "estate-claim", ip, host: owner.name, instance: null, scope, detail: claim });
      }
    }
    await keepDifferences(tx, ["estate-claim"], found);
  });
  if (refused.length > 0) throw new Error(`the ledger can't follow the estate: ${refused.join("; ")}`);
}

const noScope = { business: null, environment: null, dcnGroup: null } as const;

type MachineRow = Row &
  Readonly<{
    kind: "host" | "vm";
    ip: string;
    name: string;
    area: string;
    subsystem: string | null;
    business: string | null;
    environment: string | null;
    dcn_group: string | null;
  }>;

function occupiedOf(row: MachineRow): OccupiedAddress {
  const { kind, ip, name, area: nic, subsystem, business, environment, dcn_group: dcnGroup } = row;
  return { ip, owner: { kind, name, nic }, subsystem, scope: { business, environment, dcnGroup } };
}

const areasText = `SELECT name, (document #>> '{spec,external}')::boolean AS external,
    ARRAY(SELECT jsonb_array_elements_text(coalesce(document #> '{spec,prefixes}', '[]'))) AS prefixes
  FROM areas ORDER BY name`;

// A hosts' subnet without ranges is the ledger's too: hosts and VMs have addresses there.
const changedSubnetsText = `SELECT e.* FROM (
    SELECT name, rack, area, cidr::text AS network, host(gateway) AS gateway, document #>> '{spec,fixed}' AS fixed,
      document #>> '{spec,dynamic}' AS dynamic, coalesce((document #>> '{spec,conflictProbe}')::boolean, true) AS "conflictProbe"
    FROM subnets) e
  LEFT JOIN (
    SELECT name, rack, area, network::text AS network, host(gateway) AS gateway, host(fixed_first) || '-' || host(fixed_last) AS fixed,
      host(dynamic_first) || '-' || host(dynamic_last) AS dynamic, conflict_probe
    FROM ipam_subnets) i ON i.name = e.name
  WHERE (i.rack, i.area, i.network, i.gateway, i.fixed, i.dynamic, i.conflict_probe)
    IS DISTINCT FROM (e.rack, e.area, e.network, e.gateway, e.fixed, e.dynamic, e."conflictProbe")
  ORDER BY e.name`;

const machinesText = `SELECT CASE WHEN m.vm IS NULL THEN 'host' ELSE 'vm' END AS kind, host(m.address) AS ip, coalesce(m.vm, m.host) AS name,
    m.area, v.subsystem, v.business, v.environment, v.dcn_group
  FROM machine_addresses m LEFT JOIN vms v ON v.name = m.vm ORDER BY m.address`;
