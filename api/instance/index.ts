export { instanceName, instanceOperations } from "./instance-operations.ts";
