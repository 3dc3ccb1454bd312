import type { EstateDocument } from "../estate-document.ts";
import { closestWord } from "../faults/closest-word.ts";
import { keyOf } from "../model/estate-index.ts";
import { referencesOf } from "../model/references-of.ts";
import type { RuleContext } from "./rule-context.ts";

/**
 * What a document names exists, and who asks may know of it unless the document named it before. `leaving`: keys of documents that the same changes
 * delete; their deletion is refused instead.
 */
export function checkReferences(
  context: RuleContext,
  { before, after: document }: Readonly<{ before: EstateDocument | null; after: EstateDocument }>,
  leaving: ReadonlySet<string>,
): void {
  const kept = new Set(before === null ? [] : referencesOf(before).map(keyOf));
  for (const reference of referencesOf(document)) {
    const known = context.index.documents[reference.kind];
    const key = keyOf(reference);
    if (context.unread.has(key) || leaving.has(key)) continue;
    if (known.has(reference.name) && (kept.has(key) || context.sees(reference))) continue;
    const candidates = known.keys().filter((name) => context.sees({ kind: reference.kind, name }));
    const closest = known.size > mostCompared ? null : closestWord(reference.name, candidates);
    context.report(
      "reference-missing",
      { document, path: reference.path, ...(reference.at === undefined ? {} : { at: reference.at }) },
      {
        targetKind: reference.kind,
        target: reference.name,
        suggestion: closest === null ? "" : `did you mean ${closest}? otherwise `,
        suggestionZh: closest === null ? "" : `是否指 ${closest}?否则`,
      },
    );
  }
}

// A suggestion is not worth comparing with every host of a bank.
const mostCompared = 5000;
