import { parseIpv4Address } from "@wcs/core/ipv4";
import type { AddressCondition, AddressOwner, AddressRecord, AddressState } from "@wcs/core/ipam";
import type { Scope } from "@wcs/core/access-rights";
import type { Row } from "../database/database.ts";

/** A row of `ipam_addresses`. */
export type AddressRow = Row &
  Readonly<{
    ip: string;
    subnet: string;
    in_fixed_range: boolean;
    state: AddressState;
    condition: AddressCondition;
    condition_note: string | null;
    owner_kind: AddressOwner["kind"] | null;
    owner: string | null;
    nic: string | null;
    subsystem: string | null;
    business: string | null;
    environment: string | null;
    dcn_group: string | null;
    generation: number;
    pod_uid: string | null;
    container_id: string | null;
    host: string | null;
    pods: readonly string[];
    retired: boolean;
    release_at: Date | null;
    free_at: Date | null;
    freed_at: Date | null;
    version: number;
  }>;

/** The row as core's rules see it. */
export function recordOfRow(row: AddressRow): AddressRecord {
  const { owner_kind: kind, owner, nic, pod_uid: podUid, container_id: containerId, host } = row;
  return {
    address: addressOfText(row.ip),
    subnet: row.subnet,
    state: row.state,
    condition: row.condition,
    owner: kind === null || owner === null || nic === null ? null : { kind, name: owner, nic },
    generation: row.generation,
    binding: podUid === null || containerId === null || host === null ? null : { podUid, containerId, host },
    pods: row.pods,
    retired: row.retired,
    releaseAtMs: row.release_at?.getTime() ?? null,
    freeAtMs: row.free_at?.getTime() ?? null,
    freedAtMs: row.freed_at?.getTime() ?? null,
  };
}

/** The columns that core decides about, as JSON for `jsonb_to_recordset`. */
export function columnsOfRecord(record: AddressRecord): Readonly<Record<string, unknown>> {
  const moment = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return {
    state: record.state,
    condition: record.condition,
    owner_kind: record.owner?.kind ?? null,
    owner: record.owner?.name ?? null,
    nic: record.owner?.nic ?? null,
    generation: record.generation,
    pod_uid: record.binding?.podUid ?? null,
    container_id: record.binding?.containerId ?? null,
    host: record.binding?.host ?? null,
    pods: record.pods,
    retired: record.retired,
    release_at: moment(record.releaseAtMs),
    free_at: moment(record.freeAtMs),
    freed_at: moment(record.freedAtMs),
  };
}

/** What the address belongs to, for rights and events. */
export function scopeOfRow(row: Pick<AddressRow, "business" | "environment" | "dcn_group">): Scope {
  return { business: row.business, environment: row.environment, dcnGroup: row.dcn_group };
}

/** The number of an address that the database or a schema has checked. */
export function addressOfText(ip: string): number {
  const address = parseIpv4Address(ip);
  if (address === null) throw new TypeError(`${ip} is not an IPv4 address`);
  return address;
}
