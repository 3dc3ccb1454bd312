import type { AddressOwner, AddressRecord } from "./address-record.ts";
import type { ReleasePolicy } from "./release-policy.ts";
import { changed, describeState, refused, type Transition } from "./transition.ts";

/**
 * free -> reserved. An owner that has the address already keeps it: a repeated reservation changes nothing, and a retired
 * instance that returns within its policy's time gets its own address back under the new generation.
 */
export function reserveAddress(
  record: AddressRecord,
  options: Readonly<{ owner: AddressOwner; generation: number }>,
): Transition {
  const { owner, generation } = options;
  if (record.owner !== null && sameOwner(record.owner, owner)) {
    return changed(
      record.retired ? { ...record, state: "reserved", generation, retired: false, releaseAtMs: null } : record,
    );
  }
  if (record.state !== "free") return refused("not-free", record, `is ${describeState(record)}; choose another`);
  if (record.condition !== "usable") {
    return refused("not-usable", record, `is free but in condition ${record.condition}; clear that first`);
  }
  return changed({ ...record, state: "reserved", owner, generation });
}

/** free -> bound, for what is in use and was not placed by WCS: a VM, a device. */
export function importAddress(
  record: AddressRecord,
  options: Readonly<{ owner: AddressOwner; generation: number }>,
): Transition {
  if (options.owner.kind === "instance") {
    throw new TypeError("an instance's address is reserved and bound, not imported");
  }
  const reserved = reserveAddress(record, options);
  if (!reserved.ok || reserved.record.state === "bound") return reserved;
  return changed({ ...reserved.record, state: "bound" });
}

/**
 * Gives the instance's address a new generation because the instance moves to another host, or what runs of it is no longer
 * trusted: what was bound is held, and pods of the old generation are refused from now on. The caller has made sure that the old
 * pod is gone.
 */
export function renewAddress(
  record: AddressRecord,
  options: Readonly<{ owner: AddressOwner; expectedGeneration: number; generation: number }>,
): Transition {
  const { owner, expectedGeneration, generation } = options;
  const wrong = ownership(record, owner, expectedGeneration);
  if (wrong !== null) return wrong;
  return changed({ ...record, state: record.binding === null ? record.state : "held", generation, binding: null });
}

/**
 * The instance (or VM, or device) is gone for good. A reservation that was never used, and what has no pod, cools down at once; a
 * held address waits as its policy says. While a pod has it this is refused.
 */
export function retireAddress(
  record: AddressRecord,
  options: Readonly<{ owner: AddressOwner; expectedGeneration: number; policy: ReleasePolicy; nowMs: number }>,
): Transition {
  const { owner, expectedGeneration, policy, nowMs } = options;
  const wrong = ownership(record, owner, expectedGeneration);
  if (wrong !== null) return wrong;
  if (record.binding !== null) {
    return refused(
      "still-bound",
      record,
      `is ${describeState(record)} on host ${record.binding.host}; delete the pod first`,
    );
  }
  if (record.state !== "held") return changed(cool(record, nowMs + policy.coolDownMs));
  if (record.retired) return changed(record);
  return changed({ ...record, retired: true, releaseAtMs: policy.release === "never" ? null : nowMs + policy.ttlMs });
}

/** held (by a retired instance, its time over) -> cooling. */
export function expireAddress(
  record: AddressRecord,
  options: Readonly<{ nowMs: number; coolDownMs: number }>,
): Transition {
  if (!record.retired) {
    return refused("not-held", record, `is ${describeState(record)}, not kept for a retired instance`);
  }
  if (record.releaseAtMs === null || record.releaseAtMs > options.nowMs) {
    return refused("too-early", record, "is kept by its subsystem's policy; release it by hand if it must go now");
  }
  return changed(cool(record, options.nowMs + options.coolDownMs));
}

/** held or reserved -> cooling, by a person or by GC of a reservation that nobody has. Compare-and-swap on the generation. */
export function releaseAddress(
  record: AddressRecord,
  options: Readonly<{ expectedGeneration: number; nowMs: number; coolDownMs: number }>,
): Transition {
  if (record.owner === null) {
    return refused("not-assigned", record, `is ${describeState(record)}; there is nothing to release`);
  }
  const wrong = ownership(record, record.owner, options.expectedGeneration);
  if (wrong !== null) return wrong;
  if (record.binding !== null) {
    return refused(
      "still-bound",
      record,
      `is ${describeState(record)} on host ${record.binding.host}; delete the pod first`,
    );
  }
  return changed(cool(record, options.nowMs + options.coolDownMs));
}

/** cooling -> free, once its time is over. */
export function reclaimAddress(record: AddressRecord, nowMs: number): Transition {
  if (record.freeAtMs === null) return refused("not-held", record, `is ${describeState(record)}, not cooling down`);
  if (record.freeAtMs > nowMs) return refused("too-early", record, "still cools down; wait");
  return changed({ ...record, state: "free", freeAtMs: null, freedAtMs: nowMs });
}

function cool(record: AddressRecord, freeAtMs: number): AddressRecord {
  return {
    ...record,
    state: "cooling",
    owner: null,
    binding: null,
    pods: [],
    retired: false,
    releaseAtMs: null,
    freeAtMs,
  };
}

function sameOwner(a: AddressOwner, b: AddressOwner): boolean {
  return a.kind === b.kind && a.name === b.name && a.nic === b.nic;
}

function ownership(record: AddressRecord, owner: AddressOwner, expectedGeneration: number): Transition | null {
  if (record.owner === null || !sameOwner(record.owner, owner)) {
    return refused("not-owner", record, `is ${describeState(record)}, not of ${owner.kind} ${owner.name}/${owner.nic}`);
  }
  if (record.generation !== expectedGeneration) {
    const what = `has generation ${record.generation}, not ${expectedGeneration}; read it again`;
    return refused(record.generation > expectedGeneration ? "stale-generation" : "unknown-generation", record, what);
  }
  return null;
}
