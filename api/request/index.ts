export { requestOperations, type RequestBody, type RequestItem, type RequestPlan } from "./request-operations.ts";
