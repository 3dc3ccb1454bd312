export {
  changeEffects,
  classifyChange,
  type ChangeEffect,
  type ChangePurpose,
  type ChangeStep,
  type InstanceChange,
} from "./classify-change.ts";
export { classifyDrift, type Drift, type DriftFacts } from "./classify-drift.ts";
export { fatalTrouble } from "./fatal-trouble.ts";
export { hostHealth, type HostFacts, type HostHealth } from "./host-health.ts";
export { instanceLabels } from "./instance-labels.ts";
export {
  instanceManifests,
  logFolderOnHost,
  podName,
  type InstanceClass,
  type InstanceDesign,
  type InstanceManifests,
  type KubeObject,
  type PodTemplate,
} from "./instance-manifest.ts";
export {
  defaultNamePattern,
  holdsAddress,
  maxNameLength,
  nameInstances,
  parseNamePattern,
  renderName,
  type NameParts,
  type NamePattern,
} from "./instance-name.ts";
export {
  holdsCapacity,
  instanceStates,
  transitionProblem,
  type InstanceState,
  type InstanceWish,
} from "./instance-state.ts";
export type { LivePod, LiveStatefulSet } from "./live-objects.ts";
export { nextMoveStep, silence, type AddressProbe, type MoveFacts, type MoveStep } from "./next-move-step.ts";
export { observeInstance, podTrouble, type InstanceFacts, type Observation } from "./observe-instance.ts";
export { containerName } from "./pod-spec.ts";
export { podSecurityProblems } from "./pod-security.ts";
export { cpuQuantity, memoryQuantity } from "./quantity.ts";
export { presentContainer, replacesAnnotation, replacesAnnotationName } from "./replaced-container.ts";
export { planRecovery, type RecoverBudget, type RecoverCandidate, type RecoverPlan } from "./recover-plan.ts";
