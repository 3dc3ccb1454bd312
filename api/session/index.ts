export { entryHash, readSessionRecord, type RecordEntry } from "./session-record.ts";
export { sessionOperations } from "./session-operations.ts";
