export { clusterOperations } from "./cluster-operations.ts";
