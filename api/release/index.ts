export { freezeOperations } from "./freeze-operations.ts";
export { releaseOperations, type ReleaseBody } from "./release-operations.ts";
