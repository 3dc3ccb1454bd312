export {
  approvalProblem,
  breakGlassProblem,
  confirmProblem,
  freeRules,
  isApproved,
  missingForChange,
  productionRules,
  type Approval,
  type ChangeRules,
} from "./approval.ts";
export { explainFailure, type FailureFacts, type FailureReport } from "./explain-failure.ts";
export { checkFreezeWindow, frozenAt, type FreezeWindow } from "./freeze-window.ts";
export {
  type ReleaseFacts,
  type ReleaseGates,
  type ReleaseProgress,
  type ReleaseStep,
  type TargetFacts,
} from "./next-release-steps.ts";
export {
  defaultStrategy,
  planBatches,
  type BatchStrategy,
  type ReleaseBatch,
  type ReleaseTarget,
} from "./plan-batches.ts";
export {
  actOnRelease,
  holdsInstances,
  isMoving,
  releaseActions,
  releaseStates,
  type ReleaseAction,
  type ReleaseState,
} from "./release-state.ts";
export { rollbackTargets, type RollbackTarget, type VersionRecord } from "./rollback.ts";
export { stepsAfterPasses } from "./steps-after-passes.ts";
