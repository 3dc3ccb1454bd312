import type { EstateDocument, EstateRef } from "../estate-document.ts";
import { keyOf } from "../model/estate-index.ts";
import type { EstateOutcome } from "../stage-changes.ts";
import { classRules } from "./class-rules.ts";
import { dcnGroupRules, dcnRules } from "./dcn-rules.ts";
import { environmentRules } from "./environment-rules.ts";
import { checkFrozenFields } from "./frozen-field-rules.ts";
import { hostRules } from "./host-rules.ts";
import { checkPoolCapacity, poolRules } from "./pool-rules.ts";
import { checkReferences } from "./reference-rules.ts";
import type { RuleContext } from "./rule-context.ts";
import { shownKeys } from "./shown-key.ts";
import { subnetRules } from "./subnet-rules.ts";
import { subsystemRules } from "./subsystem-rules.ts";
import { usersOf } from "./users-of.ts";
import { vmRules } from "./vm-rules.ts";

/** Checks every rule that the changes, which the index has by now, could break. */
export function checkAfterChanges(context: RuleContext, outcomes: readonly EstateOutcome[]): void {
  const leaving = new Set(outcomes.filter(({ action }) => action === "deleted").map(({ ref }) => keyOf(ref)));
  const pools = new Map<string, EstateRef>();
  for (const { ref, before, after, action } of outcomes) {
    if (action === "unchanged") continue;
    for (const document of [before, after]) {
      if (document?.kind === "Pool") pools.set(document.name, document);
      if (document?.kind === "Host" && document.spec.pool !== undefined) pools.set(document.spec.pool, ref);
    }
    if (after === null) {
      checkDeletion(context, before);
    } else {
      checkReferences(context, { before, after }, leaving);
      checkKind(context, after);
      if (before !== null) checkFrozenFields(context, before, after);
    }
  }
  for (const [pool, cause] of pools) checkPoolCapacity(context, pool, cause);
}

function checkDeletion(context: RuleContext, document: EstateDocument): void {
  const users = usersOf(context.index, document, null);
  if (users.length === 0) return;
  const { kind, name } = document;
  const values = { kind, name, count: users.length, users: shownKeys(context, users) };
  context.report("still-referenced", { document, path: [] }, values);
}

function checkKind(context: RuleContext, document: EstateDocument): void {
  switch (document.kind) {
    case "Subnet":
      return subnetRules(context, document);
    case "Host":
      return hostRules(context, document);
    case "VM":
      return vmRules(context, document);
    case "Pool":
      return poolRules(context, document);
    case "DCN":
      return dcnRules(context, document);
    case "DCNGroup":
      return dcnGroupRules(context, document);
    case "Class":
      return classRules(context, document);
    case "Subsystem":
      return subsystemRules(context, document);
    case "Environment":
      return environmentRules(context, document);
    case "City":
    case "IDC":
    case "Area":
    case "Rack":
    case "Business":
    case "Person":
    case "System":
    case "Cluster":
      return;
  }
}
