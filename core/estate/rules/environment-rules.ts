import { parseNamePattern } from "@wcs/core/instance";
import type { KindRules } from "./rule-context.ts";

/** No two instances can get one name from the pattern. */
export const environmentRules: KindRules<"Environment"> = (context, { kind, name, spec }) => {
  if (spec.instanceNames === undefined) return;
  const parsed = parseNamePattern(spec.instanceNames);
  if (!("problem" in parsed)) return;
  const where = { document: { kind, name }, path: ["spec", "instanceNames"] };
  context.report("instance-name-pattern", where, { pattern: spec.instanceNames, problem: parsed.problem });
};
