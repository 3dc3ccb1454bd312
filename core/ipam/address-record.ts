import type { Ipv4Address } from "@wcs/core/ipv4";

/** `held`: the instance exists and its pod does not. `cooling`: nobody's, and not to be given out before its time. */
export const addressStates = ["free", "reserved", "bound", "held", "cooling"] as const;
export type AddressState = (typeof addressStates)[number];

/** Beside the state: `conflict`: somebody else answers for it; `blocked`: a person took it out of use. Both keep it from being given out. */
export const addressConditions = ["usable", "conflict", "blocked"] as const;
export type AddressCondition = (typeof addressConditions)[number];

/** Who an address can belong to. VMs, devices (an F5, an appliance) and hosts themselves have no pod. */
export const addressOwnerKinds = ["instance", "vm", "device", "host"] as const;
export type AddressOwner = Readonly<{ kind: (typeof addressOwnerKinds)[number]; name: string; nic: string }>;

/** The one pod sandbox that has the address now. */
export type AddressBinding = Readonly<{ podUid: string; containerId: string; host: string }>;

/**
 * One address as the ledger has it. `generation`: the number under which the owner got it; it grows over all owners. `pods`: the UIDs
 * of the owner's pods that had it, the latest last: an earlier one never gets it back. `retired`: the instance is gone for good and the
 * address waits out its policy until `releaseAtMs` (null: for ever). `freeAtMs`: the end of its cooling. `freedAtMs`: when it last became
 * free; null: never used.
 */
export type AddressRecord = Readonly<{
  address: Ipv4Address;
  subnet: string;
  state: AddressState;
  condition: AddressCondition;
  owner: AddressOwner | null;
  generation: number;
  binding: AddressBinding | null;
  pods: readonly string[];
  retired: boolean;
  releaseAtMs: number | null;
  freeAtMs: number | null;
  freedAtMs: number | null;
}>;

/** How many of its pods' UIDs an address remembers. */
export const mostPodsRemembered = 16;

/** An address that was never used. */
export function freshAddress(address: Ipv4Address, subnet: string): AddressRecord {
  return {
    address,
    subnet,
    state: "free",
    condition: "usable",
    owner: null,
    generation: 0,
    binding: null,
    pods: [],
    retired: false,
    releaseAtMs: null,
    freeAtMs: null,
    freedAtMs: null,
  };
}

/** What of a record can't be, in words; null when all is well. The tables' CHECK constraints say the same. */
export function impossibility(record: AddressRecord): string | null {
  const { state, owner } = record;
  const owned = state === "reserved" || state === "bound" || state === "held";
  if (owned !== (owner !== null)) return owned ? `${state} and nobody's` : `${state} and somebody's`;
  if (owned && record.generation < 1) return "owned without a generation";
  const podless = owner !== null && owner.kind !== "instance";
  if ((record.binding !== null) !== (state === "bound" && !podless)) {
    return "a binding where none belongs, or none where one does";
  }
  if (podless && state === "held") return "held by what has no pod";
  if (record.binding !== null && record.binding.podUid !== record.pods.at(-1)) {
    return "bound to another pod than its latest";
  }
  if (record.pods.length > mostPodsRemembered || new Set(record.pods).size < record.pods.length) {
    return "pods too many or twice";
  }
  if (record.retired && state !== "held") return "retired and not held";
  if (record.releaseAtMs !== null && !record.retired) return "a time of release and not retired";
  if ((record.freeAtMs !== null) !== (state === "cooling")) {
    return "an end of cooling where it does not cool, or none where it does";
  }
  return null;
}
