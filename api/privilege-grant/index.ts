export { grantOperations } from "./grant-operations.ts";
