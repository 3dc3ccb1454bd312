import type { AddressVersion, Difference, SubnetUsage } from "@wcs/api/ipam";
import type { Scope } from "@wcs/core/access-rights";
import type { Query, Row } from "../database/database.ts";
import { wayOutOf } from "@wcs/core/ipam";
import { scopeOfRow, type AddressRow } from "./address-row.ts";

/** What a list of addresses is narrowed to; undefined: not in this respect. `businesses` null: of all. */
export type AddressFilter = Readonly<{
  subnet?: string | undefined;
  rack?: string | undefined;
  area?: string | undefined;
  host?: string | undefined;
  owner?: string | undefined;
  state?: string | undefined;
  condition?: string | undefined;
  businesses: readonly string[] | null;
}>;

/** Addresses after `after`, in their order. */
export async function listAddresses(
  query: Query,
  filter: AddressFilter,
  page: Readonly<{ after: string; limit: number }>,
): Promise<readonly AddressRow[]> {
  const { subnet, rack, area, host, owner, state, condition, businesses } = filter;
  const values: unknown[] = [page.after, page.limit];
  const conditions = ["a.ip > $1::inet"];
  const equal = (column: string, value: unknown): void => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(`${column} = $${values.length}`);
  };
  equal("a.subnet", subnet);
  equal("s.rack", rack);
  equal("s.area", area);
  equal("a.host", host);
  equal("a.owner", owner);
  equal("a.state", state);
  equal("a.condition", condition);
  if (businesses !== null) {
    values.push(businesses);
    conditions.push(`a.business = ANY($${values.length})`);
  }
  return query<AddressRow>(
    `SELECT a.* FROM ipam_addresses a JOIN ipam_subnets s ON s.name = a.subnet
     WHERE ${conditions.join(" AND ")} ORDER BY a.ip LIMIT $2`,
    values,
  );
}

export async function findAddress(query: Query, ip: string): Promise<AddressRow | null> {
  const [row] = await query<AddressRow>("SELECT * FROM ipam_addresses WHERE ip = $1::inet", [ip]);
  return row ?? null;
}

type HistoryRow = AddressRow &
  Readonly<{
    at: Date;
    act: string;
    actor: string;
    reason: string | null;
    ticket: string | null;
    request_id: string | null;
  }>;

/** Every version that the address had, the newest first, each with what it then belonged to. */
export async function historyOf(
  query: Query,
  ip: string,
): Promise<readonly Readonly<{ version: AddressVersion; scope: Scope }>[]> {
  const rows = await query<HistoryRow>("SELECT * FROM ipam_history WHERE ip = $1::inet ORDER BY version DESC", [ip]);
  return rows.map((row) => ({ version: versionView(row), scope: scopeOfRow(row) }));
}

function versionView(row: HistoryRow): AddressVersion {
  const { owner_kind: kind, owner, nic, pod_uid: podUid, container_id: containerId, host } = row;
  return {
    version: row.version,
    at: row.at.toISOString(),
    state: row.state,
    condition: row.condition,
    conditionNote: row.condition_note,
    owner: kind === null || owner === null || nic === null ? null : { kind, name: owner, nic },
    business: row.business,
    environment: row.environment,
    generation: row.generation,
    binding: podUid === null || containerId === null || host === null ? null : { podUid, containerId, host },
    retired: row.retired,
    releaseAt: row.release_at?.toISOString() ?? null,
    freeAt: row.free_at?.toISOString() ?? null,
    act: row.act,
    actor: row.actor,
    reason: row.reason,
    ticket: row.ticket,
    requestId: row.request_id,
  };
}

type UsageRow = Row & SubnetUsage;

/** How much of each subnet is used. */
export async function subnetUsage(
  query: Query,
  filter: Readonly<{ subnet?: string | undefined; rack?: string | undefined; area?: string | undefined }> = {},
): Promise<readonly SubnetUsage[]> {
  return query<UsageRow>(
    `SELECT s.name AS subnet, s.rack, s.area, s.network::text AS network, host(s.gateway) AS gateway, coalesce(u.fixed, 0) AS fixed,
       coalesce(u.free, 0) AS free, coalesce(u.reserved, 0) AS reserved, coalesce(u.bound, 0) AS bound, coalesce(u.held, 0) AS held,
       coalesce(u.cooling, 0) AS cooling, coalesce(u.unusable, 0) AS unusable,
       coalesce(s.dynamic_last - s.dynamic_first + 1, 0) AS dynamic, coalesce(b.granted, 0)::bigint AS granted
     FROM ipam_subnets s
     LEFT JOIN (SELECT subnet, count(*) AS fixed, count(*) FILTER (WHERE state = 'free' AND condition = 'usable') AS free,
         count(*) FILTER (WHERE state = 'reserved') AS reserved, count(*) FILTER (WHERE state = 'bound') AS bound,
         count(*) FILTER (WHERE state = 'held') AS held, count(*) FILTER (WHERE state = 'cooling') AS cooling,
         count(*) FILTER (WHERE state = 'free' AND condition <> 'usable') AS unusable
       FROM ipam_addresses WHERE in_fixed_range GROUP BY subnet) u ON u.subnet = s.name
     LEFT JOIN (SELECT subnet, sum(last_ip - first_ip + 1) AS granted FROM ipam_blocks WHERE state <> 'returned' GROUP BY subnet) b
       ON b.subnet = s.name
     WHERE ($1::text IS NULL OR s.name = $1) AND ($2::text IS NULL OR s.rack = $2) AND ($3::text IS NULL OR s.area = $3)
     ORDER BY s.rack, s.area, s.name`,
    [filter.subnet ?? null, filter.rack ?? null, filter.area ?? null],
  );
}

type DifferenceRow = Row &
  Readonly<{
    kind: Difference["kind"];
    ip: string;
    host: string;
    instance: string | null;
    business: string | null;
    environment: string | null;
    dcn_group: string | null;
    detail: string;
    first_seen: Date;
    last_seen: Date;
    times_seen: number;
  }>;

/** Differences after the key, in the order of addresses; or those of one address. */
export async function listDifferences(
  query: Query,
  where: Readonly<{ ip: string } | { after: readonly [string, string, string]; limit: number }>,
): Promise<readonly DifferenceRow[]> {
  if ("ip" in where) {
    return query<DifferenceRow>("SELECT * FROM ipam_differences WHERE ip = $1::inet ORDER BY kind, host", [where.ip]);
  }
  return query<DifferenceRow>(
    "SELECT * FROM ipam_differences WHERE (ip, kind, host) > ($1::inet, $2, $3) ORDER BY ip, kind, host LIMIT $4",
    [...where.after, where.limit],
  );
}

/** A difference as the API shows it. */
export function differenceView(row: DifferenceRow, language: "en" | "zh"): Difference {
  const { kind, ip, host, instance, detail, times_seen: timesSeen } = row;
  const [firstSeen, lastSeen] = [row.first_seen.toISOString(), row.last_seen.toISOString()];
  const wayOut = wayOutOf(kind, ip)[language];
  return { kind, ip, host: host === "" ? null : host, instance, detail, wayOut, firstSeen, lastSeen, timesSeen };
}
