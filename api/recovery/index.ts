export { instancesOnHost, probeAddress } from "./host-methods.ts";
export { recoveryOperations, type RecoveryBudget, type RecoveryPlan } from "./recovery-operations.ts";
