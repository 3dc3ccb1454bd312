import { parseIpv4Address, type Ipv4Range } from "@wcs/core/ipv4";
import type { Query } from "../database/database.ts";
import { addressOfText, type AddressRow } from "./address-row.ts";

/** Rows of the ledger and the addresses that they stand for: the parts together are all addresses that there are. */
export type LedgerPart = Readonly<{ rows: readonly AddressRow[]; range: Ipv4Range }>;

/** About 10 ms of this process's time: a bank's ledger in one answer would hold up every request for seconds. */
const rowsAtOnce = 2000;
const [lowest, highest] = ["0.0.0.0", "255.255.255.255"].map((text) => parseIpv4Address(text) ?? 0) as [number, number];

/** The ledger's rows of a condition, in the order of their addresses, a part at a time. */
export async function* ledgerParts(query: Query, condition: string): AsyncGenerator<LedgerPart, void> {
  let first = lowest;
  for (let after = "0.0.0.0"; ;) {
    const rows = await query<AddressRow>(
      `SELECT * FROM ipam_addresses WHERE (${condition}) AND ip > $1::inet ORDER BY ip LIMIT ${rowsAtOnce}`,
      [after],
    );
    const end = rows.at(-1);
    if (rows.length < rowsAtOnce || end === undefined) {
      yield { rows, range: { first, last: highest } };
      return;
    }
    const last = addressOfText(end.ip);
    yield { rows, range: { first, last } };
    [after, first] = [end.ip, last + 1];
  }
}
