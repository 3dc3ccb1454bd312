import type { Query, Row } from "../database/database.ts";

/** How many fixed addresses a subnet has, and how many of them can be given out. */
export type FixedAddresses = Readonly<{ subnet: string; fixed: number; free: number }>;

/** Counts the fixed addresses of the named subnets, or of all; what is no subnet of the ledger is left out. */
export async function fixedAddresses(
  query: Query,
  subnets: readonly string[] | null,
): Promise<readonly FixedAddresses[]> {
  const counts = "count(*) AS fixed, count(*) FILTER (WHERE state = 'free' AND condition = 'usable') AS free";
  if (subnets === null) {
    return query<Row & FixedAddresses>(
      `SELECT subnet, ${counts} FROM ipam_addresses WHERE in_fixed_range GROUP BY subnet`,
    );
  }
  return query<Row & FixedAddresses>(
    `SELECT subnet, ${counts} FROM ipam_addresses WHERE in_fixed_range AND subnet = ANY($1::text[]) GROUP BY subnet`,
    [subnets],
  );
}
