import { admissionPolicies, businessLabel, identityObjects, ownNamespace } from "@wcs/core/cluster";
import { isKubeError, namespaces, pods, resourceType, type KubeClient, type ResourceType } from "@wcs/kube";
import { baselineType } from "./baseline-types.ts";

const clusterRoles = resourceType("rbac.authorization.k8s.io/v1/clusterroles", "ClusterRole", "cluster");
const clusterRoleBindings = resourceType(
  "rbac.authorization.k8s.io/v1/clusterrolebindings",
  "ClusterRoleBinding",
  "cluster",
);
const keeperRole = "wcs:keeper";

/** Pods that stand in a business's namespaces and would be deleted with them: at most `most` names. */
export async function podsInTheWay(client: KubeClient, most: number, signal: AbortSignal): Promise<string[]> {
  const call = { signal, timeoutMs: 10_000 };
  const found: string[] = [];
  for (const { metadata } of (await client.list(namespaces, { labelSelector: businessLabel, ...call })).items) {
    for await (const page of client.pages(pods, { namespace: metadata.name, pageSize: most, ...call })) {
      for (const pod of page.items) found.push(`${metadata.name}/${pod.metadata.name}`);
      if (found.length >= most) return found.slice(0, most);
    }
  }
  return found;
}

/** Takes WCS's baseline and identities out of a cluster. The keeper's own role goes last; its binding goes with it. Safe to repeat. */
export async function removeBaseline(client: KubeClient, signal: AbortSignal): Promise<void> {
  const call = { signal, timeoutMs: 10_000 };
  const remove = async (type: ResourceType, name: string, namespace?: string) => {
    try {
      await client.delete(type, { name, namespace, ...call });
    } catch (error) {
      if (!isKubeError(error, "not-found")) throw error;
    }
  };
  const policies = admissionPolicies([]);
  for (const object of policies.toReversed()) await remove(baselineType(object), object.metadata.name);
  for (const { metadata } of (await client.list(namespaces, { labelSelector: businessLabel, ...call })).items) {
    await remove(namespaces, metadata.name);
  }
  const roles = identityObjects().filter(
    ({ kind, metadata }) => kind.startsWith("ClusterRole") && metadata.name !== keeperRole,
  );
  for (const object of roles.toReversed()) await remove(baselineType(object), object.metadata.name);
  await remove(namespaces, ownNamespace);
  const role = await client.find(clusterRoles, { name: keeperRole, ...call });
  if (role === null) return;
  // Without its role the keeper can do nothing more, so the garbage collector takes the binding.
  const owner = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    name: keeperRole,
    uid: role.metadata.uid,
  };
  await client.patch(clusterRoleBindings, {
    name: keeperRole,
    kind: "merge",
    patch: { metadata: { ownerReferences: [owner] } },
    ...call,
  });
  await client.delete(clusterRoles, { name: keeperRole, propagation: "Background", ...call });
}
