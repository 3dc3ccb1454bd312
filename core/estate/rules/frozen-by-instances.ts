import { canonicalJson } from "@wcs/core/canonical";
import type { EstateDocument } from "../estate-document.ts";
import { faultMessages, shownList, shownValue, type EstateFault } from "../faults/estate-fault.ts";
import { keyOf } from "../model/estate-index.ts";
import type { EstateOutcome } from "../stage-changes.ts";

/** Kinds that instances stand on, and what of `spec` they rely on. */
const reliedOn = {
  Host: ["rack", "cluster", "pool", "node"],
  Class: ["cpuMilli", "memoryMiB", "diskGiB", "ioMiBps", "ioClass"],
  DCN: ["idc", "environment", "group"],
  Subsystem: ["system"],
} as const;

const reason = "its instances were placed and counted by it";
const reasonZh = "其实例是据此放置和计量的";

/** The changes of the estate that only are allowed while no instance stands on what they change. */
export function changesUnderInstances(outcomes: readonly EstateOutcome[]): readonly (EstateOutcome & {
  action: "changed";
})[] {
  return outcomes.filter(
    (outcome) => outcome.action === "changed" && changedFields(outcome.before, outcome.after).length > 0,
  ) as (EstateOutcome & { action: "changed" })[];
}

/** The faults of such changes. `instances`: of a document's key, the names of the instances that stand on it. */
export function frozenByInstances(
  outcomes: readonly EstateOutcome[],
  instances: ReadonlyMap<string, readonly string[]>,
): readonly EstateFault[] {
  return changesUnderInstances(outcomes).flatMap(({ change, ref, before, after }) => {
    const users = instances.get(keyOf(ref)) ?? [];
    if (before === null || after === null || users.length === 0) return [];
    return changedFields(before, after).map((field): EstateFault => {
      const values = {
        kind: ref.kind,
        field: `spec.${field}`,
        before: shownValue(valueAt(before, field)),
        after: shownValue(valueAt(after, field)),
        users: shownList(users.map((name) => `Instance ${name}`)),
        reason,
        reasonZh,
      };
      return {
        code: "field-frozen",
        change,
        ...ref,
        path: ["spec", field],
        at: "value",
        ...faultMessages("field-frozen", values),
      };
    });
  });
}

function changedFields(before: EstateDocument, after: EstateDocument): readonly string[] {
  const fields = reliedOn[after.kind as keyof typeof reliedOn] as readonly string[] | undefined;
  return (fields ?? []).filter(
    (field) => canonicalJson(valueAt(before, field) ?? null) !== canonicalJson(valueAt(after, field) ?? null),
  );
}

function valueAt(document: EstateDocument, field: string): unknown {
  return (document.spec as Readonly<Record<string, unknown>>)[field];
}
