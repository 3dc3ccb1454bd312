import { resourceType, type Manifest, type ResourceType } from "@wcs/kube";
import type { BaselineObject } from "@wcs/core/cluster";

const admission = "admissionregistration.k8s.io/v1";
const rbac = "rbac.authorization.k8s.io/v1";

/** The kinds that the baseline is made of. */
const types: Readonly<Record<string, ResourceType>> = {
  ClusterRole: resourceType(`${rbac}/clusterroles`, "ClusterRole", "cluster"),
  ClusterRoleBinding: resourceType(`${rbac}/clusterrolebindings`, "ClusterRoleBinding", "cluster"),
  Namespace: resourceType("v1/namespaces", "Namespace", "cluster"),
  ResourceQuota: resourceType("v1/resourcequotas", "ResourceQuota", "namespaced"),
  Role: resourceType(`${rbac}/roles`, "Role", "namespaced"),
  RoleBinding: resourceType(`${rbac}/rolebindings`, "RoleBinding", "namespaced"),
  ServiceAccount: resourceType("v1/serviceaccounts", "ServiceAccount", "namespaced"),
  ValidatingAdmissionPolicy: resourceType(
    `${admission}/validatingadmissionpolicies`,
    "ValidatingAdmissionPolicy",
    "cluster",
  ),
  ValidatingAdmissionPolicyBinding: resourceType(
    `${admission}/validatingadmissionpolicybindings`,
    "ValidatingAdmissionPolicyBinding",
    "cluster",
  ),
};

/** The resource of an object of the baseline. */
export function baselineType(object: Pick<BaselineObject, "kind">): ResourceType {
  const type = types[object.kind];
  if (type === undefined) throw new Error(`the baseline has no ${object.kind}`);
  return type;
}

/** The object as the client sends it. */
export function manifestOf(object: BaselineObject): Manifest {
  return structuredClone(object);
}
