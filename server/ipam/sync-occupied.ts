import { importAddress, retireAddress, type AddressOwner } from "@wcs/core/ipam";
import type { Scope } from "@wcs/core/access-rights";
import type { Transaction } from "../database/transaction.ts";
import type { AddressRow } from "./address-row.ts";
import { changeAddresses, databaseNowMs, lockAddresses, nextGeneration } from "./change-addresses.ts";
import { releasePoliciesOf } from "./release-policies.ts";

/** An address that something other than an instance has, as the estate says. `nic` is the area for a VM's or host's NIC. */
export type OccupiedAddress = Readonly<{ ip: string; owner: AddressOwner; subsystem: string | null; scope: Scope }>;

/** What can't be taken over, and why: somebody else has the address, or no subnet does. */
export type OccupiedProblem = Readonly<{ ip: string; owner: AddressOwner; detail: string }>;

/** All addresses that owners of a kind have: the `occupied` are every one that these `owners` have. */
export type OccupiedByOwners = Readonly<{
  kind: "vm" | "host";
  owners: readonly string[];
  occupied: readonly OccupiedAddress[];
}>;

/**
 * Takes over the addresses that the owners have, and lets go of those that they have no more. What people assigned by hand
 * (`reserved`) stays. Addresses outside of the fixed ranges come into the ledger too, so that the history and the search know them.
 */
export async function syncOccupied(
  tx: Transaction,
  { kind, owners, occupied }: OccupiedByOwners,
): Promise<readonly OccupiedProblem[]> {
  if (owners.length === 0) return [];
  const ips = occupied.map(({ ip }) => ip);
  await tx.query(
    `INSERT INTO ipam_addresses (ip, subnet, in_fixed_range, act, actor)
     SELECT o.ip, s.name, false, $2, $3 FROM unnest($1::inet[]) AS o (ip) JOIN ipam_subnets s ON s.network >> o.ip
     ON CONFLICT (ip) DO NOTHING`,
    [ips, tx.context.act, tx.context.actor.name],
  );
  const locked = await lockAddresses(
    tx.query,
    "ip = ANY($1::inet[]) OR (owner_kind = $2 AND owner = ANY($3::text[]) AND state = 'bound')",
    [ips, kind, owners],
  );
  const generation = await nextGeneration(tx);
  const nowMs = await databaseNowMs(tx.query);
  const policyOf = await releasePoliciesOf(
    tx.query,
    locked.map(({ subsystem }) => subsystem),
  );
  const wanted = new Map(occupied.map((each) => [each.ip, each]));
  const isGone = (row: AddressRow): boolean => {
    const owner = wanted.get(row.ip)?.owner;
    return row.owner_kind === kind && row.state === "bound" && (owner?.name !== row.owner || owner.nic !== row.nic);
  };
  const gone = await changeAddresses(tx, locked.filter(isGone), (record, row) => {
    if (record.owner === null) throw new Error("a row that is bound has an owner");
    const options = {
      owner: record.owner,
      expectedGeneration: record.generation,
      policy: policyOf(row.subsystem),
      nowMs,
    };
    return { transition: retireAddress(record, options) };
  });
  // What has gone rests before it is the next owner's; that one is told of below, and taken over by a later sync.
  const rows = locked.filter((row) => wanted.has(row.ip) && !isGone(row));
  const taken = await changeAddresses(tx, rows, (record, row) => {
    const each = wanted.get(row.ip);
    if (each === undefined) throw new Error("the row was found by its address");
    const { owner, subsystem, scope } = each;
    return { transition: importAddress(record, { owner, generation }), owner: { subsystem, scope } };
  });
  const resting = gone.rows.flatMap(({ ip }) => {
    const each = wanted.get(ip);
    return each === undefined
      ? []
      : [{ ip, owner: each.owner, detail: `${ip} was another's a moment ago and cools down` }];
  });
  const known = new Set(locked.map(({ ip }) => ip));
  const nowhere = occupied
    .filter(({ ip }) => !known.has(ip))
    .map(({ ip, owner }) => ({ ip, owner, detail: `${ip} is in no subnet of the ledger` }));
  const refused = taken.refusals.flatMap(({ ip, refusal }) => {
    const each = wanted.get(ip);
    return each === undefined ? [] : [{ ip, owner: each.owner, detail: refusal.detail }];
  });
  return [...nowhere, ...resting, ...refused];
}
