import { defaultReleasePolicy, type ReleasePolicy } from "@wcs/core/ipam";
import type { Query, Row } from "../database/database.ts";

/** A row of `ipam_policies`. */
export type PolicyRow = Row &
  Readonly<{
    subsystem: string;
    release: ReleasePolicy["release"];
    ttl_ms: number | null;
    cool_down_ms: number;
    version: number;
  }>;

/** The policies of subsystems; those without a row have the default. */
export async function releasePoliciesOf(
  query: Query,
  subsystems: readonly (string | null)[],
): Promise<(subsystem: string | null) => ReleasePolicy> {
  const rows = await query<PolicyRow>("SELECT * FROM ipam_policies WHERE subsystem = ANY($1)", [
    [...new Set(subsystems.filter((subsystem) => subsystem !== null))],
  ]);
  const policies = new Map(rows.map((row) => [row.subsystem, policyOfRow(row)]));
  return (subsystem) => policies.get(subsystem ?? "") ?? defaultReleasePolicy;
}

export function policyOfRow(row: PolicyRow): ReleasePolicy {
  const { release, ttl_ms: ttlMs, cool_down_ms: coolDownMs } = row;
  if (release === "never" || ttlMs === null) return { release: "never", coolDownMs };
  return { release, ttlMs, coolDownMs };
}
