import { canonicalJson } from "@wcs/core/canonical";
import type { EstateIndex } from "../index.ts";

/** One text for all that an index holds, whatever the order in which it came. */
export function textOfIndex(index: EstateIndex): string {
  return canonicalJson(plain(index));
}

function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
  if (value instanceof Set) return [...value].map(String).sort((a, b) => (a < b ? -1 : 1));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
