import type { EstateDocument, EstateRef } from "../estate-document.ts";
import type { FaultValues, FieldPath } from "../faults/estate-fault.ts";
import type { EstateFaultCode } from "../faults/fault-texts.ts";
import { keyOf, type EstateIndex } from "../model/estate-index.ts";

/**
 * What a rule sees: the estate as it would be, which of it the file says, and what of the file could not be read, about which a rule
 * keeps silent rather than blame the reader twice for one fault.
 */
export type RuleContext = Readonly<{
  index: EstateIndex;
  /** Whether who asks may know of a document. */
  sees: (ref: EstateRef) => boolean;
  /** Of a document's key: its place in the file. */
  changes: ReadonlyMap<string, number>;
  /** Keys of documents that are in the file with faults of their own. */
  unread: ReadonlySet<string>;
  /** Names of pools and racks that such documents name. */
  unreadPools: ReadonlySet<string>;
  unreadRacks: ReadonlySet<string>;
  report: (code: EstateFaultCode, where: FaultPlace, values: FaultValues) => void;
}>;

/** Where a rule does not hold. */
export type FaultPlace = Readonly<{ document: EstateRef; path: FieldPath; at?: "key" }>;

/** Whether the fault between two documents is to be told at the first of them: it stands later in the file, or alone. */
export function tellsOf(context: RuleContext, document: EstateRef, other: EstateRef): boolean {
  const otherPlace = context.changes.get(keyOf(other));
  return otherPlace === undefined || otherPlace < (context.changes.get(keyOf(document)) ?? -1);
}

/** The rules of one kind. */
export type KindRules<K extends EstateDocument["kind"]> = (context: RuleContext, document: EstateDocument<K>) => void;
