import { formatIpv4Address } from "@wcs/core/ipv4";
import type { AddressRecord } from "./address-record.ts";

/** Why the ledger did not do what it was asked. Stable: the API's problem codes are made of them. */
export const refusalCodes = [
  "not-free",
  "not-usable",
  "not-owner",
  "stale-generation",
  "unknown-generation",
  "superseded-pod",
  "bound-elsewhere",
  "not-binding",
  "still-bound",
  "not-held",
  "too-early",
  "not-assigned",
  "nothing-to-clear",
] as const;
export type RefusalCode = (typeof refusalCodes)[number];

/** `detail` names the address, what it is, and what to do. */
export type Refusal = Readonly<{ code: RefusalCode; detail: string }>;

/** The record after the act (the very same one when nothing had to change), or why not. */
export type Transition = Readonly<{ ok: true; record: AddressRecord }> | Readonly<{ ok: false; refusal: Refusal }>;

export function changed(record: AddressRecord): Transition {
  return { ok: true, record };
}

export function refused(code: RefusalCode, record: AddressRecord, what: string): Transition {
  return { ok: false, refusal: { code, detail: `${formatIpv4Address(record.address)} ${what}` } };
}

/** `bound to 0042-1c1-01/eth0`. */
export function describeState(record: AddressRecord): string {
  const { state, owner, condition } = record;
  const whose = owner === null ? state : `${state} for ${owner.kind} ${owner.name}/${owner.nic}`;
  return condition === "usable" ? whose : `${whose} (${condition})`;
}
