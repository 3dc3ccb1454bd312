export { KubeError, isKubeError, type FieldConflict, type KubeErrorReason, type KubeStatus } from "./errors.ts";
export {
  KubeconfigError,
  certificateValidity,
  formatKubeconfig,
  parseKubeconfig,
  type ClusterAccess,
  type Credential,
} from "./kubeconfig.ts";
export { keyOf, type KubeObject, type Manifest, type ObjectMeta } from "./object.ts";
export { apiVersionOf, resourcePath, resourceType, type ResourceType } from "./resource.ts";
export {
  leases,
  namespaces,
  nodes,
  pods,
  statefulSets,
  type Condition,
  type LeaseObject,
  type NodeObject,
  type PodObject,
  type StatefulSetObject,
} from "./resources.ts";
export { createKubeClient, type KubeClient, type ListOptions, type Page, type PatchKind } from "./client.ts";
export type { CallOptions, SendOptions, SendStatistics } from "./send.ts";
export { mayDo, rulesIn, type AccessQuestion } from "./access-review.ts";
export {
  readiness,
  serverVersion,
  servedGroupVersions,
  servedResources,
  type ReadinessCheck,
  type ServerVersion,
} from "./server-info.ts";
export { startWatchCache, type CacheChange, type WatchCache, type WatchCacheStatus } from "./watch-cache.ts";
export { watchEvents, type WatchEvent } from "./watch-stream.ts";
export { execInPod, type ExecOptions, type ExecSession } from "./exec.ts";
export { podLogs, type LogOptions } from "./logs.ts";
