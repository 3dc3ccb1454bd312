import { shownList } from "../faults/estate-fault.ts";
import { refOfKey } from "../model/estate-index.ts";
import type { RuleContext } from "./rule-context.ts";

/** `Host/idc1-h1` as a message names it: `Host idc1-h1`. */
export function shownKey(key: string): string {
  return key.replace("/", " ");
}

/** Documents as a message names them: the first ten that who asks may know of; the others are counted. */
export function shownKeys(context: RuleContext, keys: readonly string[]): string {
  const known = keys.filter((key) => context.sees(refOfKey(key)));
  const hidden = keys.length - known.length;
  return shownList([...known.map(shownKey), ...Array.from({ length: hidden }, () => "…")]);
}
