import type { DemandSet } from "./demand.ts";
import { minimalConflict } from "./minimal-conflict.ts";
import { findRemedies } from "./remedies.ts";
import type { PlacementRefusal } from "./request.ts";
import { ruleOfKey, subjectOfKey } from "./rule-names.ts";
import { constraintText } from "./rule-texts.ts";
import { texts, type BilingualText } from "./texts.ts";
import type { World } from "./world.ts";

type Grounds = Readonly<{ proved: boolean; notes: readonly BilingualText[] }>;

/** Says why a request can't be met: a minimal conflict, and what would make it fit. */
export function refuse(world: World, set: DemandSet, { proved, notes }: Grounds): PlacementRefusal {
  if (!proved) {
    return { outcome: "refusal", proved, minimal: false, conflict: [], remedies: [], notes, text: texts.tooLarge };
  }
  const { keys, minimal } = minimalConflict(world, set);
  const conflict = keys.map((key) => ({
    rule: ruleOfKey(key),
    subject: subjectOfKey(key),
    text: constraintText(world, key, set.demands),
  }));
  const textsOf = (counts: boolean) =>
    conflict.filter(({ rule }) => (rule === "count") === counts).map(({ text }) => text);
  return {
    outcome: "refusal",
    proved,
    minimal,
    conflict,
    remedies: findRemedies(world, set, keys),
    notes,
    text: texts.refused(textsOf(true), textsOf(false)),
  };
}
