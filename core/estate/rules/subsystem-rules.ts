import type { KindRules } from "./rule-context.ts";

/** Being together with or apart from itself is said by other rules. */
export const subsystemRules: KindRules<"Subsystem"> = (context, subsystem) => {
  for (const which of ["together", "apart"] as const) {
    subsystem.spec.rules?.[which]?.forEach((rule, at) => {
      if (rule.subsystem !== subsystem.name) return;
      const path = ["spec", "rules", which, at, "subsystem"];
      context.report("rule-on-itself", { document: subsystem, path }, { name: subsystem.name });
    });
  }
};
