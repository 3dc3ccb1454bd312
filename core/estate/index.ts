export { checkDocument, type CheckedDocument } from "./check/check-document.ts";
export { schemaFaults } from "./check/schema-fault.ts";
export { estateDocumentSchema, type EstateDocument, type EstateRef } from "./estate-document.ts";
export { closestWord } from "./faults/closest-word.ts";
export {
  faultMessages,
  fieldName,
  type BilingualText,
  type EstateFault,
  type FieldPath,
} from "./faults/estate-fault.ts";
export { stillReferenced } from "./faults/still-referenced.ts";
export { faultTexts, type EstateFaultCode } from "./faults/fault-texts.ts";
export {
  estateFileLimits,
  parseEstateFile,
  type EstateFile,
  type EstateFileDocument,
  type LocatedFault,
} from "./file/parse-estate-file.ts";
export { importPath, importPathPattern, mergeRow, type ImportRow } from "./import/merge-row.ts";
export type { FilePosition } from "./file/position-in-document.ts";
export { estateKindNames, estateKinds, type EstateKind, type EstateSpec } from "./kinds/estate-kinds.ts";
export {
  createEstateIndex,
  findDocument,
  keyOf,
  putDocument,
  removeDocument,
  type EstateIndex,
  type PoolCapacity,
} from "./model/estate-index.ts";
export { stageChanges, type EstateChange, type EstateOutcome, type StagedChanges } from "./stage-changes.ts";
export { changesUnderInstances, frozenByInstances } from "./rules/frozen-by-instances.ts";
