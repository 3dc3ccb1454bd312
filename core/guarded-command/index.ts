export { checkLine, type Finding, type LineVerdict } from "./check-line.ts";
export type { LinePolicy, LineRule } from "./line-policy.ts";
export { parseLine, type ParsedLine } from "./parse-line.ts";
export { shippedPolicies } from "./shipped-policies.ts";
