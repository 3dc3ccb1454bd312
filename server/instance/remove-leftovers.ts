import { isKubeError, resourceType, type KubeClient, type ResourceType } from "@wcs/kube";

const namespaced: readonly ResourceType[] = [
  resourceType("v1/configmaps", "ConfigMap", "namespaced"),
  resourceType("v1/persistentvolumeclaims", "PersistentVolumeClaim", "namespaced"),
];
const volumes: ResourceType = resourceType("v1/persistentvolumes", "PersistentVolume", "cluster");

/**
 * Removes what a retired instance leaves on its cluster besides pod and StatefulSet: files, claims and volumes. What it has written to its log
 * folder stays on its host (the volume's policy is Retain). Throws KubeError.
 */
export async function removeLeftovers(
  client: KubeClient,
  { namespace, instance, signal }: Readonly<{ namespace: string; instance: string; signal: AbortSignal }>,
): Promise<void> {
  const labelSelector = `wcs.io/instance=${instance}`;
  for (const type of [...namespaced, volumes]) {
    const where = type === volumes ? {} : { namespace };
    const { items } = await client.list(type, { ...where, labelSelector, signal });
    for (const { metadata } of items) {
      try {
        await client.delete(type, { ...where, name: metadata.name, signal });
      } catch (error) {
        if (!isKubeError(error, "not-found")) throw error;
      }
    }
  }
}
