import type { EstateRef } from "../estate-document.ts";
import { faultMessages, shownList, type EstateFault } from "./estate-fault.ts";

/** The fault of a deletion of what others still use. `users`: as a message names them. */
export function stillReferenced(
  { change, ref }: Readonly<{ change: number; ref: EstateRef }>,
  users: readonly string[],
): EstateFault {
  const texts = faultMessages("still-referenced", { ...ref, count: users.length, users: shownList(users) });
  return { code: "still-referenced", change, ...ref, path: [], at: "value", ...texts };
}
