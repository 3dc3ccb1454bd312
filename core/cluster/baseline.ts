import { admissionPolicies } from "./admission-policies.ts";
import { managedLabels, type BaselineObject } from "./baseline-object.ts";
import { businessLabel, identityNames, namespaceOf, ownNamespace, type IdentityName } from "./identity.ts";
import {
  credentialsRole,
  credentialsRules,
  keeperRules,
  namespaceRules,
  platformRules,
  roleNames,
  type RightsRule,
} from "./rights.ts";

/** What a business may use at most in the cluster. */
export type BusinessQuota = Readonly<{ business: string; cpuMilli: number; memoryMiB: number }>;

const rbac = "rbac.authorization.k8s.io";

/** Pods of a business obey Kubernetes' strictest pod security standard, of the cluster's own version. */
const restricted = Object.fromEntries(
  ["enforce", "audit", "warn"].flatMap((mode) => [
    [`pod-security.kubernetes.io/${mode}`, "restricted"],
    [`pod-security.kubernetes.io/${mode}-version`, "latest"],
  ]),
);

function clusterRole(name: string, rules: readonly RightsRule[]): BaselineObject {
  return { apiVersion: `${rbac}/v1`, kind: "ClusterRole", metadata: { name, labels: managedLabels }, rules };
}

function binding(options: {
  name: string;
  namespace?: string;
  role: Readonly<{ kind: "Role" | "ClusterRole"; name: string }>;
  identity: IdentityName;
}): BaselineObject {
  const { name, namespace, role, identity } = options;
  return {
    apiVersion: `${rbac}/v1`,
    kind: namespace === undefined ? "ClusterRoleBinding" : "RoleBinding",
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels: managedLabels },
    roleRef: { apiGroup: rbac, ...role },
    subjects: [{ kind: "ServiceAccount", name: identityNames[identity], namespace: ownNamespace }],
  };
}

/** WCS's identities and their rights, in the order in which they can be made. An administrator installs them; the keeper keeps them. */
export function identityObjects(): readonly BaselineObject[] {
  return [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: ownNamespace, labels: { ...managedLabels, ...restricted } },
    },
    ...Object.values(identityNames).map((name) => ({
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name, namespace: ownNamespace, labels: managedLabels },
      automountServiceAccountToken: false,
    })),
    clusterRole(roleNames.platform, platformRules),
    clusterRole(roleNames.namespace, namespaceRules),
    clusterRole(roleNames.keeper, keeperRules),
    {
      apiVersion: `${rbac}/v1`,
      kind: "Role",
      metadata: { name: credentialsRole, namespace: ownNamespace, labels: managedLabels },
      rules: credentialsRules,
    },
    ...(["platform", "keeper"] as const).map((identity) =>
      binding({
        name: roleNames[identity],
        role: { kind: "ClusterRole", name: roleNames[identity] },
        identity,
      }),
    ),
    binding({
      name: credentialsRole,
      namespace: ownNamespace,
      role: { kind: "Role", name: credentialsRole },
      identity: "keeper",
    }),
  ];
}

/** Kubernetes' own spelling of a quantity, so that what was applied is what is read back. */
function memoryQuantity(memoryMiB: number): string {
  return memoryMiB === 0 ? "0" : memoryMiB % 1024 === 0 ? `${memoryMiB / 1024}Gi` : `${memoryMiB}Mi`;
}

function cpuQuantity(cpuMilli: number): string {
  return cpuMilli % 1000 === 0 ? String(cpuMilli / 1000) : `${cpuMilli}m`;
}

/** The namespace of one business, what WCS may do in it, and what it may use. Empty when its name makes no namespace. */
function businessObjects({ business, cpuMilli, memoryMiB }: BusinessQuota): readonly BaselineObject[] {
  const namespace = namespaceOf(business);
  if (namespace === null) return [];
  const cpu = cpuQuantity(cpuMilli);
  const memory = memoryQuantity(memoryMiB);
  return [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace, labels: { ...managedLabels, ...restricted, [businessLabel]: business } },
    },
    binding({
      name: roleNames.platform,
      namespace,
      role: { kind: "ClusterRole", name: roleNames.namespace },
      identity: "platform",
    }),
    {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "wcs", namespace, labels: managedLabels },
      spec: {
        hard: {
          "limits.cpu": cpu,
          "limits.memory": memory,
          "requests.cpu": cpu,
          "requests.memory": memory,
          "services.loadbalancers": "0",
          "services.nodeports": "0",
        },
      },
    },
  ];
}

export type BaselineInput = Readonly<{ quotas: readonly BusinessQuota[]; exemptNamespaces: readonly string[] }>;

/** What the keeper puts into a cluster after the identities: policies first, so that no namespace is open before they hold. */
export function keptObjects({ quotas, exemptNamespaces }: BaselineInput): readonly BaselineObject[] {
  return [...admissionPolicies(exemptNamespaces), ...quotas.flatMap(businessObjects)];
}
