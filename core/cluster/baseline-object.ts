/** An object of the baseline, as it is applied. */
export type BaselineObject = Readonly<{
  apiVersion: string;
  kind: string;
  metadata: Readonly<{
    name: string;
    namespace?: string;
    labels?: Readonly<Record<string, string>>;
    annotations?: Readonly<Record<string, string>>;
  }>;
  [member: string]: unknown;
}>;

/** Kinds of which nothing but what the baseline says may stand: a rule or an exemption that someone added is drift too. */
const exactKinds: ReadonlySet<string> = new Set([
  "ClusterRole",
  "ClusterRoleBinding",
  "Role",
  "RoleBinding",
  "ResourceQuota",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
]);

/** Whether the object must be exactly as the baseline says, or may carry more than that. */
export function isExact(object: Pick<BaselineObject, "kind">): boolean {
  return exactKinds.has(object.kind);
}

/** `ValidatingAdmissionPolicy wcs-pod-safety`, `ResourceQuota wcs-retail/wcs`: for people. */
export function describeObject({ kind, metadata }: BaselineObject): string {
  return `${kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name}`;
}

/** Marks what WCS put into a cluster. It is not a `wcs.io/` label, since an administrator installs the identities. */
export const managedLabels = { "app.kubernetes.io/managed-by": "wcs" } as const;
