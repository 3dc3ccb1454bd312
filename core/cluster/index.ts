export { admissionPolicies } from "./admission-policies.ts";
export { describeObject, isExact, type BaselineObject } from "./baseline-object.ts";
export { identityObjects, keptObjects, type BaselineInput, type BusinessQuota } from "./baseline.ts";
export { clockSkewMs, longestSkewMs, supportedMinors, versionProblem } from "./cluster-checks.ts";
export {
  businessLabel,
  identityNames,
  isOwnNamespace,
  namespaceOf,
  ownNamespace,
  systemNamespaces,
  userNameOf,
  type IdentityName,
} from "./identity.ts";
export { nodeState, type NodeState } from "./node-state.ts";
export { podRoom, type PodRoom } from "./pod-room.ts";
export { podState, type PodState } from "./pod-state.ts";
export { quantityOf } from "./quantity.ts";
export { registrationRights, type NeededRight } from "./rights.ts";
