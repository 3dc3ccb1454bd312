/** The hard rules, in the order in which a host is tested: what can be said of all hosts first, of this instance last. */
export const ruleNames = [
  "idc",
  "environment",
  "dcn-clusters",
  "pool-membership",
  "cluster-state",
  "cluster-stale",
  "rack-state",
  "same-rack",
  "host-state",
  "host-labels",
  "io-class",
  "area",
  "cpu",
  "memory",
  "disk",
  "io",
  "instances-per-host",
  "fixed-ip",
  "apart",
  "together",
  "max-per-host",
  "max-per-rack",
  "survival",
  "quota-limit",
  "quota-borrow",
  "count",
] as const;

export type RuleName = (typeof ruleNames)[number];

/** A rule of a request, as the solver names it: `survival:rack/dcn/50@5001`. What is in front of the colon is the rule. */
export type ConstraintKey = string;

export function constraintKey(rule: RuleName, subject = ""): ConstraintKey {
  return subject === "" ? rule : `${rule}:${subject}`;
}

export function ruleOfKey(key: ConstraintKey): RuleName {
  const colon = key.indexOf(":");
  return (colon < 0 ? key : key.slice(0, colon)) as RuleName;
}

export function subjectOfKey(key: ConstraintKey): string {
  const colon = key.indexOf(":");
  return colon < 0 ? "" : key.slice(colon + 1);
}
