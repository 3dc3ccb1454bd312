import type { Transaction } from "../database/transaction.ts";

// Any constant does, so long as every WCS server uses the same.
const placementLock = 0x776375;

/**
 * Holds every other promise of places off until the transaction ends, and every change of the estate that they rest on: who changes it has the row
 * of estate_state (estate/estate-mirror.ts). A test holds the two against each other.
 */
export async function lockPlacement({ query }: Pick<Transaction, "query">): Promise<void> {
  await query("SELECT pg_advisory_xact_lock($1)", [placementLock]);
  await query("SELECT 1 FROM estate_state FOR SHARE");
}
