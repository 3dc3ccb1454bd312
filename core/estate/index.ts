export { estateDocumentSchema, type EstateDocument, type EstateRef } from "./estate-document.ts";
export { estateKindNames, estateKinds, type EstateKind, type EstateSpec } from "./kinds/estate-kinds.ts";
