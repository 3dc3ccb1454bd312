export {
  addressConditions,
  addressOwnerKinds,
  addressStates,
  freshAddress,
  impossibility,
  mostPodsRemembered,
  type AddressBinding,
  type AddressCondition,
  type AddressOwner,
  type AddressRecord,
  type AddressState,
} from "./address-record.ts";
export { createAddressSet, type AddressSet } from "./address-set.ts";
export {
  expireAddress,
  importAddress,
  reclaimAddress,
  releaseAddress,
  renewAddress,
  reserveAddress,
  retireAddress,
} from "./assign-address.ts";
export { bindAddress, unbindAddress, type BindingClaim } from "./bind-address.ts";
export { chooseAddresses, countFree, type RangeUse } from "./choose-addresses.ts";
export { blockSizes, chooseBlock } from "./choose-block.ts";
export {
  collectGarbage,
  leakKinds,
  type Garbage,
  type Leak,
  type LiveWorld,
  type Suspicion,
} from "./collect-garbage.ts";
export {
  compareNetwork,
  differenceKinds,
  viewsWithin,
  type AnnotatedNic,
  type DifferenceKind,
  type NetworkDifference,
  type NetworkViews,
} from "./compare-network.ts";
export { composeNics, type NicFacts } from "./compose-nics.ts";
export { blockAddress, clearCondition, markConflict } from "./condition-address.ts";
export {
  dynamicBlockAnnotationName,
  parseDynamicBlockGrant,
  printDynamicBlockGrant,
  type DynamicBlockGrant,
} from "./dynamic-block-annotation.ts";
export {
  extendFence,
  fenceAnnotationName,
  isFenced,
  parseHostFence,
  printHostFence,
  type FencedInstance,
  type HostFence,
} from "./fence-annotation.ts";
export { formProblemsText, type FormProblem, type ParsedForm } from "./form.ts";
export type { HostAddress, HostConflict, HostReport } from "./host-report.ts";
export { macOfAddress, macPrefix } from "./mac-of-address.ts";
export {
  networkAnnotationName,
  parseNetworkAnnotation,
  printNetworkAnnotation,
  type NetworkAnnotation,
  type NetworkNic,
  type NicRoute,
} from "./network-annotation.ts";
export { defaultReleasePolicy, releasePolicyProblem, shortestTtlMs, type ReleasePolicy } from "./release-policy.ts";
export { wayOutOf, type KeptDifferenceKind } from "./way-out.ts";
export { refusalCodes, type Refusal, type RefusalCode, type Transition } from "./transition.ts";
