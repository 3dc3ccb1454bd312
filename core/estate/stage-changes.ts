import { canonicalJson } from "@wcs/core/canonical";
import { checkDocument } from "./check/check-document.ts";
import type { EstateDocument, EstateRef } from "./estate-document.ts";
import { closestWord } from "./faults/closest-word.ts";
import { faultMessages, type EstateFault } from "./faults/estate-fault.ts";
import { keyOf, putDocument, removeDocument, type EstateIndex } from "./model/estate-index.ts";
import { checkAfterChanges } from "./rules/check-after-changes.ts";
import type { RuleContext } from "./rules/rule-context.ts";

/** What is to happen to one document: it is to be as `put` says (not checked yet), or to be gone. */
export type EstateChange = Readonly<{ put: unknown }> | Readonly<{ delete: EstateRef; version?: number }>;

/** What a change does. `change` counts the changes from 0; what changes nothing is `unchanged`. `version`: the one that it is meant to replace. */
export type EstateOutcome = Readonly<{ change: number; ref: EstateRef; version: number | null }> &
  (
    | Readonly<{ action: "created"; before: null; after: EstateDocument }>
    | Readonly<{ action: "changed" | "unchanged"; before: EstateDocument; after: EstateDocument }>
    | Readonly<{ action: "deleted"; before: EstateDocument; after: null }>
  );

/** What the changes do, or everything that is wrong with them, in their order. `undo` brings the index back to what it was. */
export type StagedChanges = Readonly<{
  outcomes: readonly EstateOutcome[];
  faults: readonly EstateFault[];
  undo: () => void;
}>;

/**
 * Makes the changes in the index and checks the estate that results. All faults of all changes are found at once; one that follows from another
 * (a host of a rack that could not be read) is not told. The cost grows with the changes and what they touch, not with the estate. When there are
 * faults, or the changes can't be stored, the caller undoes them. `sees`: whether who asks may know of a document; what they may not know of is not
 * there for their references, and is not named to them.
 */
export function stageChanges(
  index: EstateIndex,
  changes: readonly EstateChange[],
  sees: (ref: EstateRef) => boolean = () => true,
): StagedChanges {
  const faults: EstateFault[] = [];
  const outcomes: EstateOutcome[] = [];
  const seen = new Map<string, number>();
  const unread = { keys: new Set<string>(), pools: new Set<string>(), racks: new Set<string>() };

  for (const [change, wanted] of changes.entries()) {
    if ("delete" in wanted) {
      outcomes.push(
        ...stageDeletion(index, { change, ref: wanted.delete, version: wanted.version ?? null, faults, seen, sees }),
      );
      continue;
    }
    const checked = checkDocument(wanted.put, change);
    if ("faults" in checked) {
      faults.push(...checked.faults);
      noteUnread(unread, checked, wanted.put);
      continue;
    }
    const { document: after, version } = checked;
    if (repeated({ change, ref: after, faults, seen })) continue;
    const before: EstateDocument | undefined = index.documents[after.kind].get(after.name);
    const ref = { kind: after.kind, name: after.name };
    if (before === undefined) outcomes.push({ change, ref, version, action: "created", before: null, after });
    else {
      outcomes.push({
        change,
        ref,
        version,
        action: sameDocument(before, after) ? "unchanged" : "changed",
        before,
        after,
      });
    }
    putDocument(index, after);
  }

  const places = new Map(outcomes.map(({ ref, change }) => [keyOf(ref), change]));
  const context: RuleContext = {
    index,
    sees,
    changes: places,
    unread: unread.keys,
    unreadPools: unread.pools,
    unreadRacks: unread.racks,
    report: (code, { document, path, at }, values) => {
      const { kind, name } = document;
      const change = places.get(keyOf(document)) ?? 0;
      faults.push({ code, change, kind, name, path, at: at ?? "value", ...faultMessages(code, values) });
    },
  };
  checkAfterChanges(context, outcomes);
  faults.sort((a, b) => a.change - b.change);
  return { outcomes, faults, undo: () => undo(index, outcomes) };
}

type Placed = Readonly<{ change: number; ref: EstateRef; faults: EstateFault[]; seen: Map<string, number> }>;
type Deletion = Placed & Readonly<{ version: number | null; sees: (ref: EstateRef) => boolean }>;

function repeated({ change, ref: { kind, name }, faults, seen }: Placed): boolean {
  const key = keyOf({ kind, name });
  if (!seen.has(key)) {
    seen.set(key, change);
    return false;
  }
  const texts = faultMessages("document-repeated", { kind, name });
  faults.push({ code: "document-repeated", change, kind, name, path: ["name"], at: "value", ...texts });
  return true;
}

function stageDeletion(index: EstateIndex, placed: Deletion): readonly EstateOutcome[] {
  const { change, ref, version, faults, sees } = placed;
  if (repeated(placed)) return [];
  const known = index.documents[ref.kind];
  const before: EstateDocument | undefined = known.get(ref.name);
  if (before === undefined || !sees(ref)) {
    const { kind } = ref;
    const closest = closestWord(
      ref.name,
      known.keys().filter((name) => sees({ kind, name })),
    );
    const texts = faultMessages("nothing-to-delete", {
      ...ref,
      suggestion: closest === null ? "" : `did you mean ${closest}? otherwise `,
      suggestionZh: closest === null ? "" : `是否指 ${closest}?否则`,
    });
    faults.push({ code: "nothing-to-delete", change, ...ref, path: [], at: "value", ...texts });
    return [];
  }
  removeDocument(index, ref);
  return [{ change, ref, version, action: "deleted", before, after: null }];
}

type Unread = Readonly<{ keys: Set<string>; pools: Set<string>; racks: Set<string> }>;

/** Remembers what an unreadable document would have been about, so that others are not blamed for its absence. */
function noteUnread(
  unread: Unread,
  checked: Readonly<{ kind: string | null; name: string | null }>,
  value: unknown,
): void {
  if (checked.kind !== null && checked.name !== null) unread.keys.add(`${checked.kind}/${checked.name}`);
  const spec = (value as Readonly<{ spec?: Readonly<Record<string, unknown>> | null }> | null)?.spec;
  if (checked.kind === "Host" && typeof spec?.["pool"] === "string") unread.pools.add(spec["pool"]);
  if (checked.kind === "Subnet" && typeof spec?.["rack"] === "string") unread.racks.add(spec["rack"]);
}

/** Whether two documents say the same. */
export function sameDocument(a: EstateDocument, b: EstateDocument): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

function undo(index: EstateIndex, outcomes: readonly EstateOutcome[]): void {
  for (const { ref, before } of outcomes.toReversed()) {
    if (before === null) removeDocument(index, ref);
    else putDocument(index, before);
  }
}
