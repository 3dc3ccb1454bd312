import { expireAddress, reclaimAddress } from "@wcs/core/ipam";
import type { Transaction } from "../database/transaction.ts";
import type { AddressRow } from "./address-row.ts";
import { changeAddresses, databaseNowMs } from "./change-addresses.ts";
import { releasePoliciesOf } from "./release-policies.ts";

const mostAtOnce = 1000;

/** What one round did, and whether there is more to do at once. */
export type Reclaimed = Readonly<{ expired: number; reclaimed: number; more: boolean }>;

/** Moves on what its time has come for: kept by a policy -> cooling, cooling -> free. Rows that others have locked come next time. */
export async function reclaimAddresses(tx: Transaction): Promise<Reclaimed> {
  const due = async (column: "release_at" | "free_at"): Promise<readonly AddressRow[]> =>
    tx.query<AddressRow>(
      `SELECT * FROM ipam_addresses WHERE ${column} <= clock_timestamp() ORDER BY ${column} LIMIT $1 FOR UPDATE SKIP LOCKED`,
      [mostAtOnce],
    );
  const expiring = await due("release_at");
  const cooled = await due("free_at");
  const nowMs = await databaseNowMs(tx.query);
  const policyOf = await releasePoliciesOf(
    tx.query,
    expiring.map(({ subsystem }) => subsystem),
  );
  const expired = await changeAddresses(tx, expiring, (record, row) => ({
    transition: expireAddress(record, { nowMs, coolDownMs: policyOf(row.subsystem).coolDownMs }),
  }));
  const reclaimed = await changeAddresses(tx, cooled, (record) => ({ transition: reclaimAddress(record, nowMs) }));
  return {
    expired: expired.rows.length,
    reclaimed: reclaimed.rows.length,
    more: expiring.length === mostAtOnce || cooled.length === mostAtOnce,
  };
}
