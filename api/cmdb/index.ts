export { cmdbOperationList, cmdbOperations } from "./cmdb-operations.ts";
