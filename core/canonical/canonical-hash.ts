import { createHash } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";

/** `sha256:` and the hex digest of a value's canonical JSON: equal for equal values, whatever the order of their members. */
export function canonicalHash(value: unknown): string {
  return `sha256:${createHash("sha256").update(canonicalJson(value), "utf8").digest("hex")}`;
}
