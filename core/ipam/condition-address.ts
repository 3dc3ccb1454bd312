import type { AddressRecord } from "./address-record.ts";
import { changed, refused, type Transition } from "./transition.ts";

/** Takes the address out of use; who has it keeps it, and nobody gets it after. A person's block outranks a conflict. */
export function blockAddress(record: AddressRecord): Transition {
  return changed(record.condition === "blocked" ? record : { ...record, condition: "blocked" });
}

/** Somebody else answered for the address. */
export function markConflict(record: AddressRecord): Transition {
  return changed(record.condition === "usable" ? { ...record, condition: "conflict" } : record);
}

/** Ends a block or a conflict, by a person who has looked. */
export function clearCondition(record: AddressRecord): Transition {
  if (record.condition === "usable") return refused("nothing-to-clear", record, "is usable already");
  return changed({ ...record, condition: "usable" });
}
