export { requestOperations, type RequestBody, type RequestPlan } from "./request-operations.ts";
