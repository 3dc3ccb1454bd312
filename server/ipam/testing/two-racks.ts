import type { Scope } from "@wcs/core/access-rights";
import type { Transaction } from "../../database/transaction.ts";
import { syncArea, syncSubnet, type AddressDemand } from "../index.ts";

export const retail: Scope = { business: "retail", environment: "production", dcnGroup: "1C" };

/** Two areas, and on each of two racks a core and a DMZ subnet with ten fixed addresses and eighty dynamic ones in core. */
export async function syncTwoRacks(tx: Transaction): Promise<void> {
  await syncArea(tx, { name: "core", external: false, prefixes: ["10.0.0.0/8"] });
  await syncArea(tx, { name: "dmz", external: true, prefixes: [] });
  for (const rack of [1, 2]) {
    await syncSubnet(tx, {
      name: `r${rack}-core`,
      rack: `r${rack}`,
      area: "core",
      network: `10.71.${rack}.0/24`,
      gateway: `10.71.${rack}.254`,
      fixed: `10.71.${rack}.100-10.71.${rack}.109`,
      dynamic: `10.71.${rack}.20-10.71.${rack}.99`,
      conflictProbe: true,
    });
    await syncSubnet(tx, {
      name: `r${rack}-dmz`,
      rack: `r${rack}`,
      area: "dmz",
      network: `10.71.${rack + 128}.0/24`,
      gateway: `10.71.${rack + 128}.254`,
      fixed: `10.71.${rack + 128}.100-10.71.${rack + 128}.109`,
      dynamic: null,
      conflictProbe: true,
    });
  }
}

/** An instance of subsystem 0042 with a NIC in each of the subnets. */
export function demandOf(instance: string, ...subnets: readonly string[]): AddressDemand {
  const nics = subnets.map((subnet, index) => ({ nic: `eth${index}`, subnet }));
  return { instance, subsystem: "0042", scope: retail, nics };
}

/** A wide core and a wide DMZ subnet: `wide` and `wide-dmz`, with `count` fixed addresses each. */
export async function syncWideRack(tx: Transaction, count: number): Promise<void> {
  await syncArea(tx, { name: "core", external: false, prefixes: ["10.0.0.0/8"] });
  await syncArea(tx, { name: "dmz", external: true, prefixes: [] });
  for (const [name, area, second] of [
    ["wide", "core", 80],
    ["wide-dmz", "dmz", 81],
  ] as const) {
    const last = count - 1;
    await syncSubnet(tx, {
      name,
      rack: "w1",
      area,
      network: `10.${second}.0.0/16`,
      gateway: `10.${second}.255.254`,
      fixed: `10.${second}.0.1-10.${second}.${(last + 1) >> 8}.${(last + 1) & 255}`,
      dynamic: null,
      conflictProbe: true,
    });
  }
}
