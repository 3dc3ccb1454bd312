export { recoveryOperations, type RecoveryBudget, type RecoveryPlan } from "./recovery-operations.ts";
