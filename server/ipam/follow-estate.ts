import type { Row } from "../database/database.ts";
import { transaction, type ActContext } from "../database/transaction.ts";
import { Failure } from "../http/failure.ts";
import type { Platform } from "../program/platform.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import { addressesOfMachines, changedMachines, differingMachines, machineKinds } from "./differing-machines.ts";
import { keepDifferences } from "./keep-differences.ts";
import { forgetSubnet, syncArea, syncSubnet, type LedgerArea, type LedgerSubnet } from "./sync-network.ts";
import { syncOccupied } from "./sync-occupied.ts";

const followed: ReadonlySet<string> = new Set(["Area", "Subnet", "Host", "VM"]);
const resyncMs = 300_000;
/** The keys: the whole estate, and what of it was changed since the last round. */
const [everything, changes] = ["everything", "changes"];

/** Takes over what the estate says of areas, subnets, and the addresses of hosts and VMs, a moment after it was changed. */
export function estateFollower(platform: Platform, context: ActContext): Reconciler {
  let afterVersion: number | null = null;
  return {
    name: "ipam-estate",
    keys: async () => [everything],
    keysOf: ({ kind }) => (followed.has(kind) ? [changes] : []),
    reconcile: async (key) => {
      afterVersion = await followEstate(platform, context, key === everything ? null : afterVersion);
    },
    resyncMs,
    workers: 1,
  };
}

/**
 * One round: over everything, or over the machines that were changed after a version of the estate. Returns the version to go on from. A
 * subnet that can't be taken over (addresses are in use where it was) holds nothing else up: the others are, and then this throws with all of
 * them, so that it is tried again and seen in the log.
 */
export async function followEstate(
  { database }: Pick<Platform, "database">,
  context: ActContext,
  afterVersion: number | null,
): Promise<number> {
  // Read before all else: what is changed meanwhile is of the next round.
  const [state] = await database.query<Row & { version: number }>("SELECT version FROM estate_state");
  if (state === undefined) throw new Error("estate_state has lost its row");
  const refused: string[] = [];
  const attempt = async (work: Parameters<typeof transaction<void>>[2]): Promise<void> => {
    try {
      await transaction(database, { context }, work);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      refused.push(error.message);
    }
  };
  // Before the areas: a subnet that is seen has its area seen then.
  const subnets = await database.query<Row & LedgerSubnet>(changedSubnetsText);
  const areas = await database.query<Row & LedgerArea>(changedAreasText);
  for (const area of areas) await attempt((tx) => syncArea(tx, area));
  // What is gone first, so that its network can be another's.
  const gone = await database.query<Row & Readonly<{ name: string }>>(
    "SELECT name FROM ipam_subnets i WHERE NOT EXISTS (SELECT 1 FROM subnets s WHERE s.name = i.name) ORDER BY name",
  );
  for (const { name } of gone) await attempt((tx) => forgetSubnet(tx, name));
  for (const subnet of subnets) await attempt((tx) => syncSubnet(tx, subnet));
  // A database that is older than what was followed was restored from a backup.
  const isPart = afterVersion !== null && afterVersion <= state.version;
  await followMachines(database, context, isPart ? afterVersion : null);
  if (refused.length > 0) throw new Error(`the ledger can't follow the estate: ${refused.join("; ")}`);
  return state.version;
}

async function followMachines(
  database: Platform["database"],
  context: ActContext,
  afterVersion: number | null,
): Promise<void> {
  const { query } = database;
  const changed = afterVersion === null ? null : await changedMachines(query, afterVersion);
  const names = await differingMachines(query, changed);
  const isSame = machineKinds.every((kind) => names[kind].length === 0);
  if (isSame && (await query("SELECT FROM ipam_differences WHERE kind = 'estate-claim' LIMIT 1")).length === 0) return;
  await transaction(database, { context }, async (tx) => {
    const found = [];
    for (const kind of machineKinds) {
      const occupied = await addressesOfMachines(tx.query, kind, names[kind]);
      const scopes = new Map(occupied.map(({ ip, scope }) => [ip, scope]));
      for (const { ip, owner, detail } of await syncOccupied(tx, { kind, owners: names[kind], occupied })) {
        const claim = `the estate gives it to ${owner.kind} ${owner.name}: ${detail}`;
        const scope = scopes.get(ip) ?? noScope;
        found.push({ kind: "estate-claim", ip, host: owner.name, instance: null, scope, detail: claim });
      }
    }
    // Those that are kept were looked at again, whatever the round was over, so that these are all.
    await keepDifferences(tx, ["estate-claim"], found);
  });
}

const noScope = { business: null, environment: null, dcnGroup: null } as const;

const changedAreasText = `SELECT e.* FROM (
    SELECT name, (document #>> '{spec,external}')::boolean AS external,
      ARRAY(SELECT jsonb_array_elements_text(coalesce(document #> '{spec,prefixes}', '[]'))) AS prefixes
    FROM areas) e
  LEFT JOIN ipam_areas i ON i.name = e.name
  WHERE (i.external, i.prefixes) IS DISTINCT FROM (e.external, e.prefixes)
  ORDER BY e.name`;

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
