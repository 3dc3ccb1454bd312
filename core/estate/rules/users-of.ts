import type { EstateDocument } from "../estate-document.ts";
import type { EstateKind } from "../kinds/estate-kinds.ts";
import { keyOf, refOfKey, type EstateIndex } from "../model/estate-index.ts";
import { machinesIn } from "../model/machines-in.ts";

/** The keys of the documents that need this one: those that name it; for a subnet, machines with an address in it. Sorted. */
export function usersOf(
  index: EstateIndex,
  document: EstateDocument,
  kinds: readonly EstateKind[] | null,
): readonly string[] {
  const keys =
    document.kind === "Subnet"
      ? machinesIn(index, document).map(({ key }) => key)
      : [...(index.referrers.get(keyOf(document)) ?? [])];
  const wanted = kinds === null ? keys : keys.filter((key) => kinds.includes(refOfKey(key).kind));
  return [...new Set(wanted)].sort();
}
