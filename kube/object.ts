/** The part of `metadata` that callers use (k8s.io/apimachinery meta/v1 ObjectMeta). */
export type ObjectMeta = {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
};

export type OwnerReference = {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
};

/** Any Kubernetes object. Items of a list carry neither `apiVersion` nor `kind`. */
export type KubeObject = { apiVersion?: string; kind?: string; metadata: ObjectMeta };

/** An object that is sent: it says what it is, and may carry anything. */
export type Manifest = Record<string, unknown> & { apiVersion: string; kind: string; metadata: ObjectMeta };

/** `namespace/name`, or `name` for an object of the cluster. The key that caches and queues use. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}
