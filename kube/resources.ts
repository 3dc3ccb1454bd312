import type { KubeObject } from "./object.ts";
import { resourceType, type ResourceType } from "./resource.ts";

/** The fields of a Node that callers use (k8s.io/api core/v1). */
export type NodeObject = KubeObject & {
  spec?: { unschedulable?: boolean; taints?: { key: string; value?: string; effect: string }[] };
  status?: {
    capacity?: Record<string, string>;
    allocatable?: Record<string, string>;
    conditions?: Condition[];
    addresses?: { type: string; address: string }[];
    nodeInfo?: { kubeletVersion: string; containerRuntimeVersion: string; kernelVersion: string; osImage: string };
  };
};

export type Condition = {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastHeartbeatTime?: string;
};

export type ContainerObject = {
  name: string;
  image?: string;
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  restartPolicy?: string;
};

export type ContainerStatusObject = {
  name: string;
  ready: boolean;
  started?: boolean;
  restartCount: number;
  containerID?: string;
  image?: string;
  imageID?: string;
  state?: Record<string, { reason?: string; message?: string; exitCode?: number; startedAt?: string }>;
  lastState?: Record<string, { reason?: string; message?: string; exitCode?: number }>;
};

/** The fields of a Pod that callers use (k8s.io/api core/v1). */
export type PodObject = KubeObject & {
  spec?: {
    nodeName?: string;
    hostNetwork?: boolean;
    containers: ContainerObject[];
    initContainers?: ContainerObject[];
    overhead?: Record<string, string>;
  };
  status?: {
    phase?: string;
    reason?: string;
    message?: string;
    podIP?: string;
    hostIP?: string;
    startTime?: string;
    conditions?: Condition[];
    containerStatuses?: ContainerStatusObject[];
  };
};

/** The fields of a Lease that callers use (k8s.io/api coordination/v1). */
export type LeaseObject = KubeObject & {
  spec?: { holderIdentity?: string; leaseDurationSeconds?: number; renewTime?: string };
};

export const nodes: ResourceType<NodeObject> = resourceType("v1/nodes", "Node", "cluster");
export const pods: ResourceType<PodObject> = resourceType("v1/pods", "Pod", "namespaced");
export const namespaces: ResourceType<KubeObject & { status?: { phase?: string } }> = resourceType(
  "v1/namespaces",
  "Namespace",
  "cluster",
);
/** The fields of a StatefulSet that callers use (k8s.io/api apps/v1). */
export type StatefulSetObject = KubeObject & { spec?: unknown };

export const statefulSets: ResourceType<StatefulSetObject> = resourceType(
  "apps/v1/statefulsets",
  "StatefulSet",
  "namespaced",
);
export const leases: ResourceType<LeaseObject> = resourceType("coordination.k8s.io/v1/leases", "Lease", "namespaced");
