import { canonicalJson } from "@wcs/core/canonical";
import type { EstateDocument } from "../estate-document.ts";
import { shownValue } from "../faults/estate-fault.ts";
import { frozenFields } from "./frozen-fields.ts";
import type { RuleContext } from "./rule-context.ts";
import { shownKeys } from "./shown-key.ts";
import { usersOf } from "./users-of.ts";

/** A field that others depend on stays as it is while they are there, after all changes of the file. */
export function checkFrozenFields(context: RuleContext, before: EstateDocument, after: EstateDocument): void {
  for (const { field, users, reason, reasonZh } of frozenFields[after.kind] ?? []) {
    const [from, to] = [valueAt(before, field), valueAt(after, field)];
    if (canonicalJson(from) === canonicalJson(to)) continue;
    const standing = usersOf(context.index, before, users);
    if (standing.length === 0) continue;
    context.report(
      "field-frozen",
      { document: after, path: ["spec", field] },
      {
        kind: after.kind,
        field: `spec.${field}`,
        before: shownValue(from),
        after: shownValue(to),
        users: shownKeys(context, standing),
        reason,
        reasonZh,
      },
    );
  }
}

function valueAt(document: EstateDocument, field: string): unknown {
  return (document.spec as Readonly<Record<string, unknown>>)[field];
}
