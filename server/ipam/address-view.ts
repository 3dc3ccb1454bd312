import { macOfAddress } from "@wcs/core/ipam";
import type { Address } from "@wcs/api/ipam";
import { addressOfText, type AddressRow } from "./address-row.ts";

/** The address as the API shows it. */
export function addressView(row: AddressRow): Address {
  const { owner_kind: kind, owner, nic, pod_uid: podUid, container_id: containerId, host } = row;
  return {
    ip: row.ip,
    mac: macOfAddress(addressOfText(row.ip)),
    subnet: row.subnet,
    fixed: row.in_fixed_range,
    state: row.state,
    condition: row.condition,
    conditionNote: row.condition_note,
    owner: kind === null || owner === null || nic === null ? null : { kind, name: owner, nic },
    subsystem: row.subsystem,
    business: row.business,
    environment: row.environment,
    generation: row.generation,
    binding: podUid === null || containerId === null || host === null ? null : { podUid, containerId, host },
    retired: row.retired,
    releaseAt: row.release_at?.toISOString() ?? null,
    freeAt: row.free_at?.toISOString() ?? null,
    version: row.version,
  };
}
