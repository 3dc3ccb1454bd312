export { healthOperations } from "./health-operations.ts";
