import { podName } from "@wcs/core/instance";
import { isKubeError, pods, resourceType, statefulSets, type KubeClient, type KubeObject } from "@wcs/kube";
import { readLiveInstance, type LiveInstance } from "../instance/live-instance.ts";

/** What a lost host's cluster is asked for: the objects of an instance that has been given another host. */
export type OldPlace = Readonly<{
  client: KubeClient;
  namespace: string;
  instance: string;
  node: string;
  /** The new host is of this cluster as well: the StatefulSet stays and is bound anew. */
  sameCluster: boolean;
  toNode: string;
  signal: AbortSignal;
}>;

/** Whether the cluster still has of the instance what belongs to the old host. Throws KubeError. */
export async function hasOldObjects(place: OldPlace): Promise<boolean> {
  const { statefulSet, pod } = await read(place);
  return place.sameCluster ? pod?.hostName === place.node : statefulSet !== null || pod !== null;
}

/**
 * Takes the instance's old pod off the old host, without waiting for a kubelet that does not answer: the fence is there, so what the host
 * still runs of it gets no network again. False: not yet, the StatefulSet would make the pod anew on the old host. Throws KubeError.
 */
export async function clearOldObjects(place: OldPlace): Promise<boolean> {
  const { client, namespace, instance, signal } = place;
  const { statefulSet, pod } = await read(place);
  if (place.sameCluster) {
    const isBoundAnew =
      statefulSet === null || JSON.stringify(statefulSet.spec).includes(`"values":["${place.toNode}"]`);
    if (!isBoundAnew) return false;
  } else if (statefulSet !== null) {
    const preconditions = { uid: statefulSet.uid };
    await ifThere(
      client.delete(statefulSets, { namespace, name: instance, preconditions, propagation: "Orphan", signal }),
    );
  }
  if (pod !== null && (!place.sameCluster || pod.hostName === place.node)) {
    const target = {
      namespace,
      name: podName(instance),
      preconditions: { uid: pod.uid },
      gracePeriodSeconds: 0,
      signal,
    };
    await ifThere(client.delete(pods, target));
  }
  if (!place.sameCluster) await clearBelongings(place);
  return true;
}

const belongings = [
  resourceType("v1/configmaps", "ConfigMap", "namespaced"),
  resourceType("v1/persistentvolumeclaims", "PersistentVolumeClaim", "namespaced"),
  resourceType("v1/persistentvolumes", "PersistentVolume", "cluster"),
];

/** What stood beside the StatefulSet. The log folder itself stays on the old host's disk. */
async function clearBelongings({ client, namespace, instance, signal }: OldPlace): Promise<void> {
  for (const type of belongings) {
    const where = type.namespaced ? { namespace } : {};
    const { items } = await client.list<KubeObject>(type, {
      ...where,
      labelSelector: `wcs.io/instance=${instance}`,
      signal,
    });
    for (const { metadata } of items) await ifThere(client.delete(type, { ...where, name: metadata.name, signal }));
  }
}

function read({ client, namespace, instance, signal }: OldPlace): Promise<LiveInstance> {
  return readLiveInstance(client, { namespace, instance }, signal);
}

/** What is gone already, or is another by now, need not be deleted. */
async function ifThere(deletion: Promise<void>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!isKubeError(error) || (error.reason !== "not-found" && error.reason !== "conflict")) throw error;
  }
}
