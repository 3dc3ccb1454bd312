import { identityNames } from "./identity.ts";

/** A rule of a Role or ClusterRole (k8s.io/api rbac/v1 PolicyRule). */
export type RightsRule = Readonly<{
  apiGroups?: readonly string[];
  resources?: readonly string[];
  resourceNames?: readonly string[];
  nonResourceURLs?: readonly string[];
  verbs: readonly string[];
}>;

/** Names of the baseline's roles; each ClusterRole is bound by a binding of its own name. */
export const roleNames = { platform: "wcs:platform", keeper: "wcs:keeper", namespace: "wcs:namespace" } as const;
/** The Role in WCS's own namespace by which the keeper renews credentials. */
export const credentialsRole = "wcs:credentials";

/** Names of the baseline's admission policies; each is bound by a binding of its own name. */
export const policyNames = {
  podSafety: "wcs-pod-safety",
  reservedMetadata: "wcs-reserved-metadata",
  sideDoors: "wcs-side-doors",
  ownNamespace: "wcs-own-namespace",
  keeperLimits: "wcs-keeper-limits",
} as const;

const read = ["get", "list", "watch"];
const write = ["create", "update", "patch", "delete"];
const rule = (group: string, resources: readonly string[], verbs: readonly string[]): RightsRule => ({
  apiGroups: [group],
  resources,
  verbs,
});

/** What the platform may do in the whole cluster: see capacity and health, mark hosts, keep instances' log volumes. */
export const platformRules: readonly RightsRule[] = [
  rule("", ["nodes", "pods", "namespaces"], read),
  // One watch a cluster, not one a business.
  rule("apps", ["statefulsets"], read),
  rule("", ["nodes"], ["patch"]),
  rule("", ["persistentvolumes"], [...read, ...write]),
  {
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    resourceNames: ["kube-controller-manager", "kube-scheduler"],
    verbs: ["get"],
  },
  { nonResourceURLs: ["/healthz", "/livez", "/livez/*", "/readyz", "/readyz/*", "/version"], verbs: ["get"] },
];

/** What the platform may do in a business's namespace: run instances, see why one fails, and help when an agent is away. */
export const namespaceRules: readonly RightsRule[] = [
  rule("", ["pods", "configmaps", "persistentvolumeclaims"], [...read, ...write]),
  rule("apps", ["statefulsets"], [...read, ...write]),
  rule("apps", ["statefulsets/scale"], ["get", "update", "patch"]),
  rule("apps", ["controllerrevisions"], read),
  rule("", ["events"], read),
  rule("", ["resourcequotas"], read),
  rule("", ["pods/log"], ["get"]),
  // WebSocket exec is a GET, and since 1.35 the API server wants `create` for it as well (KEP-4006).
  rule("", ["pods/exec"], ["get", "create"]),
  rule("", ["pods/eviction"], ["create"]),
  rule("", ["pods/resize", "pods/ephemeralcontainers"], ["get", "update", "patch"]),
];

/**
 * What the keeper may do: put the baseline's own objects right, by name, and hand out the one role of a business's namespace. `escalate` and
 * `bind` reach the named roles only; wcs-keeper-limits holds the rest to WCS's namespaces.
 */
export const keeperRules: readonly RightsRule[] = [
  rule("", ["namespaces"], [...read, ...write]),
  rule("", ["resourcequotas"], [...read, ...write]),
  rule("rbac.authorization.k8s.io", ["rolebindings"], [...read, ...write]),
  rule("rbac.authorization.k8s.io", ["clusterroles", "clusterrolebindings"], ["create"]),
  {
    apiGroups: ["rbac.authorization.k8s.io"],
    resources: ["clusterroles"],
    resourceNames: Object.values(roleNames),
    verbs: ["get", "update", "patch", "delete", "bind", "escalate"],
  },
  {
    apiGroups: ["rbac.authorization.k8s.io"],
    resources: ["clusterrolebindings"],
    resourceNames: [roleNames.platform, roleNames.keeper],
    verbs: ["get", "update", "patch", "delete"],
  },
  rule(
    "admissionregistration.k8s.io",
    ["validatingadmissionpolicies", "validatingadmissionpolicybindings"],
    ["create"],
  ),
  {
    apiGroups: ["admissionregistration.k8s.io"],
    resources: ["validatingadmissionpolicies", "validatingadmissionpolicybindings"],
    resourceNames: Object.values(policyNames),
    verbs: ["get", "update", "patch", "delete"],
  },
];

/** In WCS's own namespace: keep the two ServiceAccounts and renew their tokens. */
export const credentialsRules: readonly RightsRule[] = [
  rule("", ["serviceaccounts"], ["create"]),
  {
    apiGroups: [""],
    resources: ["serviceaccounts"],
    resourceNames: Object.values(identityNames),
    verbs: ["get", "update", "patch", "delete"],
  },
  {
    apiGroups: [""],
    resources: ["serviceaccounts/token"],
    resourceNames: Object.values(identityNames),
    verbs: ["create"],
  },
  {
    apiGroups: ["rbac.authorization.k8s.io"],
    resources: ["roles"],
    resourceNames: [credentialsRole],
    verbs: ["get", "update", "patch", "delete", "bind", "escalate"],
  },
];

/** One thing that the kubeconfig of a registration must be allowed to do. */
export type NeededRight = Readonly<{ verb: string; group: string; resource: string; namespace?: string }>;

/** What the registration itself does with the given kubeconfig. */
export const registrationRights: readonly NeededRight[] = [
  ...["get", "create", "patch"].flatMap((verb) => [
    { verb, group: "", resource: "namespaces" },
    { verb, group: "", resource: "serviceaccounts", namespace: "wcs" },
    { verb, group: "rbac.authorization.k8s.io", resource: "clusterroles" },
    { verb, group: "rbac.authorization.k8s.io", resource: "clusterrolebindings" },
    { verb, group: "rbac.authorization.k8s.io", resource: "roles", namespace: "wcs" },
    { verb, group: "rbac.authorization.k8s.io", resource: "rolebindings", namespace: "wcs" },
  ]),
  { verb: "escalate", group: "rbac.authorization.k8s.io", resource: "clusterroles" },
  { verb: "bind", group: "rbac.authorization.k8s.io", resource: "clusterroles" },
  { verb: "escalate", group: "rbac.authorization.k8s.io", resource: "roles", namespace: "wcs" },
  { verb: "create", group: "", resource: "serviceaccounts/token", namespace: "wcs" },
];
