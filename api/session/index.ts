export { entryHash, readSessionRecord, type RecordEntry } from "./session-record.ts";
export { packagedCommandOperations, sessionOperations } from "./session-operations.ts";
