export { canonicalHash } from "./canonical-hash.ts";
export { canonicalJson } from "./canonical-json.ts";
