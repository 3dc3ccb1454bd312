export { accessDocumentSchema, accessKinds, type AccessKind, type AccessSpec } from "./access-kinds.ts";
export { accessOperationList, accessOperations } from "./access-operations.ts";
