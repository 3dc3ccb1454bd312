import { DatabaseError } from "pg";
import { Failure } from "../http/failure.ts";
import type { Query, Row } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";
import { by } from "./change-addresses.ts";

/** An area as the estate has it. */
export type LedgerArea = Readonly<{ name: string; external: boolean; prefixes: readonly string[] }>;

/** A subnet as the estate has it. Ranges as `10.71.1.100-10.71.1.199`, or null. */
export type LedgerSubnet = Readonly<{
  name: string;
  rack: string;
  area: string;
  network: string;
  gateway: string;
  fixed: string | null;
  dynamic: string | null;
  conflictProbe: boolean;
}>;

/** Takes over an area. */
export async function syncArea(tx: Transaction, area: LedgerArea): Promise<void> {
  await tx.query(
    `INSERT INTO ipam_areas (name, external, prefixes) VALUES ($1, $2, $3)
     ON CONFLICT (name) DO UPDATE SET external = excluded.external, prefixes = excluded.prefixes
     WHERE (ipam_areas.external, ipam_areas.prefixes) IS DISTINCT FROM (excluded.external, excluded.prefixes)`,
    [area.name, area.external, area.prefixes],
  );
}

/**
 * Takes over a subnet, and makes a row of each address of its fixed range that has none (64 thousand in about a second). Addresses that a
 * smaller range leaves out stay their owners', and are given to nobody after. Rack, area, network and gateway can't change while
 * something has an address there: it would be wired to a place that is no longer what its annotation says.
 */
export async function syncSubnet(tx: Transaction, subnet: LedgerSubnet): Promise<void> {
  await refuseRewiring(tx.query, subnet);
  const [fixedFirst, fixedLast] = subnet.fixed?.split("-") ?? [null, null];
  const [dynamicFirst, dynamicLast] = subnet.dynamic?.split("-") ?? [null, null];
  const { name, rack, area, network, gateway, conflictProbe } = subnet;
  await tx.query(
    `INSERT INTO ipam_subnets (name, rack, area, network, gateway, fixed_first, fixed_last, dynamic_first, dynamic_last, conflict_probe)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (name) DO UPDATE SET rack = $2, area = $3, network = $4, gateway = $5, fixed_first = $6, fixed_last = $7,
       dynamic_first = $8, dynamic_last = $9, conflict_probe = $10`,
    [name, rack, area, network, gateway, fixedFirst, fixedLast, dynamicFirst, dynamicLast, conflictProbe],
  );
  if (fixedFirst !== null) {
    await tx.query(
      `INSERT INTO ipam_addresses (ip, subnet, in_fixed_range, act, actor)
       SELECT $2::inet + n, $1, true, $5, $6 FROM generate_series(0, $3::inet - $2::inet) AS n WHERE $2::inet + n <> $4::inet
       ON CONFLICT (ip) DO NOTHING`,
      [name, fixedFirst, fixedLast, gateway, tx.context.act, tx.context.actor.name],
    );
  }
  await tx.query(
    `UPDATE ipam_addresses SET in_fixed_range = NOT in_fixed_range, act = $4, actor = $5, reason = $6, ticket = $7, request_id = $8
     WHERE subnet = $1 AND in_fixed_range <> coalesce(ip BETWEEN $2::inet AND $3::inet, false)`,
    [name, fixedFirst, fixedLast, ...by(tx)],
  );
}

/** Takes a subnet out. Throws `ipam.subnet-in-use` while anything of it is anybody's. The history of its addresses stays. */
export async function forgetSubnet(tx: Transaction, name: string): Promise<void> {
  await tx.query("SELECT ipam_forget_subnet($1)", [name]).catch((error: unknown) => {
    if (!(error instanceof DatabaseError) || error.code !== "W0002") throw error;
    throw new Failure("ipam.subnet-in-use", `${error.message}: see \`wcs get ips --subnet ${name}\``);
  });
}

async function refuseRewiring(query: Query, subnet: LedgerSubnet): Promise<void> {
  const [before] = await query<Row & Readonly<{ wiring: string; next: string }>>(
    `SELECT concat_ws(', ', rack, area, network, gateway) AS wiring, concat_ws(', ', $2::text, $3::text, $4::cidr, $5::inet) AS next
     FROM ipam_subnets WHERE name = $1 FOR UPDATE`,
    [subnet.name, subnet.rack, subnet.area, subnet.network, subnet.gateway],
  );
  if (before === undefined || before.wiring === before.next) return;
  const [used] = await query<Row & Readonly<{ count: number }>>(
    `SELECT (SELECT count(*) FROM ipam_addresses WHERE subnet = $1 AND state <> 'free')
          + (SELECT count(*) FROM ipam_blocks WHERE subnet = $1 AND state <> 'returned') AS count`,
    [subnet.name],
  );
  if (used === undefined || used.count === 0) return void (await query("SELECT ipam_forget_subnet($1)", [subnet.name]));
  const change = `subnet ${subnet.name} can't go from (${before.wiring}) to (${before.next})`;
  throw new Failure("ipam.subnet-in-use", `${change}: ${used.count} of its addresses and blocks are in use`);
}
