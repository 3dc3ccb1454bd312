import { canonicalJson } from "@wcs/core/canonical";
import {
  classifyChange,
  classifyDrift,
  containerName,
  podName,
  replacesAnnotation,
  replacesAnnotationName,
  type ChangePurpose,
  type Drift,
  type InstanceChange,
  type InstanceManifests,
  type KubeObject,
  type LivePod,
} from "@wcs/core/instance";
import { isKubeError, pods, resourceType, statefulSets, type KubeClient, type PodObject } from "@wcs/kube";
import { readLiveInstance, type LiveInstance } from "./live-instance.ts";

/** Who owns the fields that WCS applies. */
export const fieldManager = "wcs";

/** What was done in one step. */
export type BroughtInstance = Readonly<{
  did: "nothing" | "created" | "applied" | "patched" | "re-created";
  change: InstanceChange | null;
  /** Differences that only a new pod would mend. */
  reported: readonly Drift[];
  live: LiveInstance;
  wrote: WroteInstance;
}>;

/** The resource versions that the cluster gave to what was written, and the pod that was told to go: what is seen later is seen from there on. */
export type WroteInstance = Readonly<{ statefulSet?: string; pod?: string; deletedPod?: string }>;

export type BringOptions = Readonly<{
  client: KubeClient;
  namespace: string;
  instance: string;
  meant: InstanceManifests;
  /** The design that a pod with this `wcs.io/version` was made of; null when it is not known any more. */
  designOf: (version: string) => Promise<InstanceManifests | null>;
  purpose: ChangePurpose;
  /** What was seen of it; without it, it is read. What is written has it as its precondition. */
  live?: LiveInstance;
  signal?: AbortSignal;
}>;

/**
 * Brings an instance's objects to its design by one idempotent step. The StatefulSet comes first, so that a pod that is made anew meanwhile is
 * already the right one; then the running pod is changed in place, or deleted where Kubernetes cannot do that. Throws KubeError.
 */
export async function bringInstance(options: BringOptions): Promise<BroughtInstance> {
  const { client, namespace, instance, meant, signal } = options;
  const live = options.live ?? (await readLiveInstance(client, { namespace, instance }, signal));
  const drift = classifyDrift({ meant, ...live, atWork: false });
  const ofStatefulSet = drift.filter(({ object }) => object === "StatefulSet");
  let wrote: WroteInstance = {};
  if (ofStatefulSet.length > 0) {
    for (const object of meant.before) await applyObject(client, object, signal);
    wrote = { statefulSet: await applyObject(client, meant.statefulSet, signal) };
    if (live.statefulSet === null && live.pod === null) {
      return { did: "created", change: null, reported: [], live, wrote };
    }
  }
  const { pod } = live;
  if (pod === null || pod.deleting) {
    return { did: ofStatefulSet.length > 0 ? "applied" : "nothing", change: null, reported: [], live, wrote };
  }

  const podVersion = pod.annotations["wcs.io/version"];
  if (podVersion !== meant.version) {
    const from = podVersion === undefined ? null : await options.designOf(podVersion);
    const change: InstanceChange | null = from === null ? null : classifyChange(from, meant, purposeOf(options, pod));
    if (change?.effect === "forbidden") {
      const paths = change.steps
        .filter(({ effect }) => effect === "forbidden")
        .map(({ path, reason }) => `${path} (${reason})`);
      throw new Error(`${instance}: a release may not change ${paths.join(", ")}`);
    }
    if (change !== null && change.effect !== "re-create") {
      const { resourceVersion, refused } = await patchPod(options, pod);
      wrote = { ...wrote, pod: resourceVersion };
      return { did: "patched", change, reported: refused, live, wrote };
    }
    await deletePod(options, pod);
    return { did: "re-created", change, reported: [], live, wrote: { ...wrote, deletedPod: pod.uid } };
  }

  const ofPod = drift.filter(({ object }) => object === "Pod");
  const mendable = ofPod.filter(({ action }) => action === "put-right");
  let refused = resizeRefused(pod.resizeProblem);
  if (mendable.length > 0) {
    const patched = await patchPod(options, pod);
    wrote = { ...wrote, pod: patched.resourceVersion };
    ({ refused } = patched);
  }
  // What its host refuses to do in place it refuses again: that is no news to tell.
  const did = mendable.length > refused.length ? "patched" : ofStatefulSet.length > 0 ? "applied" : "nothing";
  const reported = [...ofPod.filter(({ action }) => action === "report"), ...refused];
  return { did, change: null, reported, live, wrote };
}

/** An instance whose record names another host than its pod's is being moved there. */
function purposeOf({ meant, purpose }: BringOptions, pod: LivePod): ChangePurpose {
  const isElsewhere =
    pod.hostName !== null && !canonicalJson(meant.podTemplate.spec["affinity"]).includes(`"${pod.hostName}"`);
  return isElsewhere ? "move" : purpose;
}

/** A new size that its host does not give in place is reported: people decide when an application stops. */
function resizeRefused(problem: string | null): readonly Drift[] {
  if (problem === null) return [];
  const reason = `it can't be resized in place (${problem}); restart the instance to give it its class`;
  const path = `spec.containers[${containerName}].resources`;
  return [{ action: "report", object: "Pod", path, meant: undefined, found: undefined, reason }];
}

/** Returns the resource version. */
async function applyObject(client: KubeClient, object: KubeObject, signal: AbortSignal | undefined): Promise<string> {
  const applied = await client.apply(typeOf(object), object, { fieldManager, force: true, signal });
  return applied.metadata.resourceVersion ?? "";
}

/** That pod and no other; one that is gone already is well. */
async function deletePod({ client, namespace, instance, signal }: BringOptions, pod: LivePod): Promise<void> {
  try {
    await client.delete(pods, { namespace, name: podName(instance), preconditions: { uid: pod.uid }, signal });
  } catch (error) {
    if (!isKubeError(error, "not-found", "conflict")) throw error;
  }
}

const types = [
  resourceType("v1/configmaps", "ConfigMap", "namespaced"),
  resourceType("v1/persistentvolumes", "PersistentVolume", "cluster"),
  resourceType("v1/persistentvolumeclaims", "PersistentVolumeClaim", "namespaced"),
  statefulSets,
];

function typeOf(object: KubeObject) {
  const type = types.find(({ kind }) => kind === object.kind);
  if (type === undefined) throw new TypeError(`an instance has no ${object.kind}`);
  return type;
}

/**
 * Image and metadata by one patch, CPU and memory by another, as Kubernetes wants it (KEP-1287). Returns the resource version, and what of the
 * latter the API server refuses for good.
 */
async function patchPod(
  { client, namespace, instance, meant, signal }: BringOptions,
  pod: LivePod,
): Promise<Readonly<{ resourceVersion: string; refused: readonly Drift[] }>> {
  const name = podName(instance);
  const { metadata, spec } = meant.podTemplate;
  const container = containerOf(spec);
  const before = containerOf(pod.spec);
  const gone = Object.keys(pod.labels).filter((key) => !(key in metadata.labels) && !isKubernetesLabel(key));
  const labels = { ...metadata.labels, ...Object.fromEntries(gone.map((key) => [key, null])) };
  // Only that container, as it was seen, is replaced: else another than the one that is named could be taken for the new one.
  const replaces =
    before["image"] === container["image"]
      ? null
      : { annotation: { [replacesAnnotationName]: replacesAnnotation(pod) }, resourceVersion: pod.resourceVersion };
  const patch = {
    metadata: {
      uid: pod.uid,
      ...(replaces === null ? {} : { resourceVersion: replaces.resourceVersion }),
      labels,
      annotations: { ...metadata.annotations, ...replaces?.annotation },
    },
    spec: { containers: [{ name: containerName, image: container["image"] }] },
  };
  let patched: PodObject;
  try {
    patched = await client.patch(pods, { namespace, name, kind: "strategic", patch, signal });
  } catch (error) {
    // It has gone meanwhile, and its StatefulSet makes the next as it should be, or has.
    if (!isKubeError(error, "not-found") && !isOtherPod(error)) throw error;
    return { resourceVersion: pod.resourceVersion, refused: [] };
  }
  if (canonicalJson(before["resources"]) !== canonicalJson(container["resources"])) {
    const resize = { spec: { containers: [{ name: containerName, resources: container["resources"] }] } };
    try {
      patched = await client.patch(pods, {
        namespace,
        name,
        subresource: "resize",
        kind: "strategic",
        patch: resize,
        signal,
      });
    } catch (error) {
      if (!isKubeError(error, "invalid", "forbidden")) throw error;
      return { resourceVersion: patched.metadata.resourceVersion ?? "", refused: resizeRefused(error.message) };
    }
  }
  return { resourceVersion: patched.metadata.resourceVersion ?? "", refused: [] };
}

/** A patch that names a uid which the object of that name no longer has is refused as invalid, not as a conflict. */
function isOtherPod(error: unknown): boolean {
  return isKubeError(error, "invalid") && error.message.includes("metadata.uid");
}

/** Labels that the StatefulSet controller puts on its pods. */
function isKubernetesLabel(key: string): boolean {
  return key === "controller-revision-hash" || key.includes("kubernetes.io/");
}

function containerOf(spec: unknown): Readonly<Record<string, unknown>> {
  const { containers = [] } = spec as { containers?: readonly Readonly<Record<string, unknown>>[] };
  const container = containers.find(({ name }) => name === containerName);
  if (container === undefined) throw new TypeError(`the pod has no container ${containerName}`);
  return container;
}
