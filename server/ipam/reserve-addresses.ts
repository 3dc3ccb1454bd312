import { DatabaseError } from "pg";
import { reserveAddress } from "@wcs/core/ipam";
import type { Scope } from "@wcs/core/access-rights";
import { Failure } from "../http/failure.ts";
import type { Transaction } from "../database/transaction.ts";
import type { AddressRow } from "./address-row.ts";
import { by, changeAddresses, lockAddresses, nextGeneration, recordAddressEvents } from "./change-addresses.ts";
import { refuseExhausted } from "./refuse-exhausted.ts";

/**
 * The NICs that an instance needs, each in the subnet that placement chose. `nic` is its interface's name, `eth0` the first. `ip`: one that
 * this transaction has picked.
 */
export type AddressDemand = Readonly<{
  instance: string;
  subsystem: string;
  scope: Scope;
  nics: readonly Readonly<{ nic: string; subnet: string; ip?: string }>[];
}>;

/** What an instance's NIC has. */
export type ReservedAddress = Readonly<{
  instance: string;
  nic: string;
  subnet: string;
  ip: string;
  generation: number;
}>;

type Wanted = Readonly<{ demand: AddressDemand; nic: string; subnet: string; ip: string | null }>;

/** Most NICs of one call: a plan of twenty thousand instances with two NICs each. */
const mostNics = 40_000;

/**
 * Reserves an address for every NIC, all or none, in the caller's transaction. Asked again for an instance that has its addresses it gives
 * the same; a retired instance that returns gets its own back, under a new generation. Throws `ipam.exhausted` naming rack, area and
 * counts, and `ipam.refused` for an instance whose NIC has an address in another subnet. Waits for nobody, unless a subnet is so nearly
 * empty that the outcome depends on another's transaction.
 */
export async function reserveAddresses(
  tx: Transaction,
  demands: readonly AddressDemand[],
): Promise<readonly ReservedAddress[]> {
  const wanted = demands.flatMap((demand) =>
    demand.nics.map(({ nic, subnet, ip = null }): Wanted => ({ demand, nic, subnet, ip })),
  );
  const keys = new Set(wanted.map(keyOf));
  if (keys.size < wanted.length) throw new TypeError("an instance's NIC is asked for twice");
  if (wanted.length > mostNics) throw new RangeError(`${wanted.length} NICs at once; at most ${mostNics}`);

  const kept = await keepOwn(tx, wanted);
  const bySubnet = Map.groupBy(
    wanted.filter((want) => !kept.has(keyOf(want))),
    (want) => want.subnet,
  );
  const taken: AddressRow[] = [];
  // Subnets in one order, so that two plans never hold what the other waits for.
  for (const [subnet, wants] of [...bySubnet].sort(([a], [b]) => (a < b ? -1 : 1))) {
    taken.push(...(await takeFrom(tx, subnet, wants)));
  }
  recordAddressEvents(tx, taken);
  return [...kept.values(), ...taken].map((row) => ({
    instance: row.owner ?? "",
    nic: row.nic ?? "",
    subnet: row.subnet,
    ip: row.ip,
    generation: row.generation,
  }));
}

/**
 * Chooses free addresses, one for each subnet in the list, and locks them until the transaction ends. Throws `ipam.exhausted`. For instances
 * whose names hold their address: reserve them in the same transaction.
 */
export async function pickAddresses(tx: Transaction, subnets: readonly string[]): Promise<readonly string[]> {
  const picked: string[] = [];
  const places = Map.groupBy(subnets.keys(), (index) => subnets[index] ?? "");
  for (const [subnet, indexes] of [...places].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const rows = await tx.query<{ ip: string }>("SELECT host(ip) AS ip FROM ipam_take($1, $2) AS t (ip)", [
      subnet,
      indexes.length,
    ]);
    if (rows.length < indexes.length) {
      await refuseExhausted(tx.query, subnet, { wanted: indexes.length, taken: rows.length });
    }
    for (const [at, index] of indexes.entries()) picked[index] = rows[at]?.ip ?? "";
  }
  return picked;
}

/** The addresses that the instances have already; a retired instance's come back to it. */
async function keepOwn(tx: Transaction, wanted: readonly Wanted[]): Promise<ReadonlyMap<string, AddressRow>> {
  const instances = [...new Set(wanted.map(({ demand }) => demand.instance))];
  const locked = await lockAddresses(tx.query, "owner_kind = 'instance' AND owner = ANY($1)", [instances]);
  if (locked.length === 0) return new Map();
  const wants = new Map(wanted.map((want) => [keyOf(want), want]));
  const own = locked.filter((row) => wants.has(`${row.owner} ${row.nic}`));
  for (const row of own) {
    const want = wants.get(`${row.owner} ${row.nic}`);
    if (want === undefined || want.subnet === row.subnet) continue;
    const has = `${row.owner}/${row.nic} has ${row.ip} in ${row.subnet}, and is to have one in ${want.subnet}`;
    throw new Failure(
      "ipam.refused",
      `${has}: retire it and wait until its address is released, or release it by hand`,
    );
  }
  const generation = await nextGeneration(tx);
  const { rows, refusals } = await changeAddresses(tx, own, (record) => {
    if (record.owner === null) throw new Error("a row found by its owner has one");
    return { transition: reserveAddress(record, { owner: record.owner, generation }) };
  });
  if (refusals[0] !== undefined) throw new Failure("ipam.refused", refusals[0].refusal.detail);
  return new Map(rows.map((row) => [`${row.owner} ${row.nic}`, row]));
}

async function takeFrom(tx: Transaction, subnet: string, wanted: readonly Wanted[]): Promise<readonly AddressRow[]> {
  const picked = wanted.filter(({ ip }) => ip !== null);
  const wants = [...picked, ...wanted.filter(({ ip }) => ip === null)];
  const owners = wants.map(({ demand, nic }) => ({
    owner: demand.instance,
    nic,
    subsystem: demand.subsystem,
    business: demand.scope.business,
    environment: demand.scope.environment,
    dcn_group: demand.scope.dcnGroup,
  }));
  const ips = picked.map(({ ip }) => ip);
  const values = [subnet, wants.length - ips.length, JSON.stringify(owners), ...by(tx), ips];
  const rows = await tx.query<AddressRow>(takeText, values).catch(explainDouble);
  if (rows.length < wants.length) {
    await refuseExhausted(tx.query, subnet, { wanted: wants.length, taken: rows.length });
  }
  return rows;
}

// Addresses come in the order of giving out, and demands take them in the order in which they were made.
const takeText = `WITH taken AS (SELECT ip, n FROM unnest($9::inet[]) WITH ORDINALITY AS p (ip, n)
    UNION ALL (SELECT ip, cardinality($9::inet[]) + row_number() OVER (ORDER BY n)
      FROM ipam_take($1, CASE WHEN $2::int > 0 THEN $2 + cardinality($9::inet[]) ELSE 0 END) WITH ORDINALITY AS t (ip, n)
      WHERE ip <> ALL ($9::inet[]) LIMIT $2)),
  generation AS (SELECT nextval('ipam_generations') AS generation)
  UPDATE ipam_addresses a SET state = 'reserved', owner_kind = 'instance', owner = d.owner, nic = d.nic, subsystem = d.subsystem,
    business = d.business, environment = d.environment, dcn_group = d.dcn_group, generation = g.generation,
    act = $4, actor = $5, reason = $6, ticket = $7, request_id = $8
  FROM taken t CROSS JOIN generation g JOIN
    ROWS FROM (jsonb_to_recordset($3::jsonb) AS (owner text, nic text, subsystem text, business text, environment text, dcn_group text))
      WITH ORDINALITY AS d (owner, nic, subsystem, business, environment, dcn_group, n) ON d.n = t.n
  WHERE a.ip = t.ip AND a.state = 'free' RETURNING a.*`;

/** Two acts that give addresses to one instance at once: the second to commit finds the first's. */
function explainDouble(error: unknown): never {
  if (error instanceof DatabaseError && error.constraint === "ipam_addresses_owner") {
    const detail = "another act gives addresses to the same instance at this moment: read the instance, then try again";
    throw new Failure("ipam.refused", detail, { cause: error });
  }
  throw error;
}

function keyOf({ demand, nic }: Wanted): string {
  return `${demand.instance} ${nic}`;
}
