import { Failure } from "../http/failure.ts";
import type { Query, Row } from "../database/database.ts";

type CountRow = Row &
  Readonly<{ rack: string; area: string; what: string | null; count: number; next_free: Date | null }>;

/**
 * Throws `ipam.exhausted`: which subnet, rack and area, how many are free of how many, what the rest is, and when the next cools
 * off. `taken`: what the refused act had taken, which goes back with it and counts as free.
 */
export async function refuseExhausted(
  query: Query,
  subnet: string,
  counts: Readonly<{ wanted: number; taken: number }>,
): Promise<never> {
  const { wanted, taken } = counts;
  const rows = await query<CountRow>(
    `SELECT s.rack, s.area, CASE WHEN a.condition <> 'usable' AND a.state = 'free' THEN a.condition ELSE a.state END AS what,
       count(a.ip) AS count, min(a.free_at) AS next_free
     FROM ipam_subnets s LEFT JOIN ipam_addresses a ON a.subnet = s.name AND a.in_fixed_range
     WHERE s.name = $1 GROUP BY 1, 2, 3 ORDER BY 3`,
    [subnet],
  );
  const [first] = rows;
  if (first === undefined) throw new Failure("resource.not-found", `subnets/${subnet} is not in the address ledger`);
  const total = rows.reduce((sum, { count }) => sum + count, 0);
  const free = taken + (rows.find(({ what }) => what === "free")?.count ?? 0);
  const rest = rows
    .filter(({ what }) => what !== null && what !== "free")
    .map(({ what, count }) => ({ what, count: what === "reserved" ? count - taken : count }))
    .filter(({ count }) => count > 0)
    .map(({ what, count }) => `${count} ${what}`);
  const next = rows.map((row) => row.next_free).find((moment) => moment !== null);
  const where = `rack ${first.rack}, area ${first.area}: ${wanted} addresses of subnet ${subnet} are asked for`;
  const has = `${free} of ${total} are free${rest.length === 0 ? "" : ` (${rest.join(", ")})`}`;
  const soon = next === undefined ? "" : `; the next cools off at ${next.toISOString()}`;
  const message = `${wanted - free} more needed`;
  const errors = [{ kind: "Subnet", name: subnet, code: "addresses-missing", message }];
  throw new Failure("ipam.exhausted", `${where}, ${has}${soon}`, { errors });
}
