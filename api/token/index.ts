export { tokenOperations } from "./token-operations.ts";
