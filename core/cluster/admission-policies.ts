import { managedLabels, type BaselineObject } from "./baseline-object.ts";
import { businessLabel, ownNamespace, reservedPrefix, systemNamespaces, userNameOf } from "./identity.ts";
import { policyNames } from "./rights.ts";

type Rule = Readonly<{ group: string; resources: readonly string[]; operations: readonly string[] }>;
type Check = Readonly<{ expression: string; message: string }>;
type Policy = Readonly<{
  name: string;
  rules: readonly Rule[];
  /** All must be true for the policy to look at a request. */
  when?: Readonly<Record<string, string>>;
  variables?: Readonly<Record<string, string>>;
  checks: readonly Check[];
  /** Which namespaces; absent: all. Objects of the cluster are always matched. */
  namespaces?: Readonly<{ operator: "In" | "NotIn"; names: readonly string[] }>;
}>;

const celList = (items: readonly string[]) => `[${items.map((item) => JSON.stringify(item)).join(", ")}]`;

const isWcs = `request.userInfo.username in ${celList([userNameOf("platform"), userNameOf("keeper")])}`;
const isKeeper = `request.userInfo.username == ${JSON.stringify(userNameOf("keeper"))}`;

/**
 * The controllers that make pods of templates, copying the templates' labels and annotations. What they copy was let in by these same policies.
 * The last one is all of them, where a cluster does not give each an identity of its own (--use-service-account-credentials).
 */
const workloadControllers = [
  ...[
    "cronjob-controller",
    "daemon-set-controller",
    "deployment-controller",
    "job-controller",
    "replicaset-controller",
    "replication-controller",
    "statefulset-controller",
  ].map((name) => `system:serviceaccount:kube-system:${name}`),
  "system:kube-controller-manager",
];
const isController = `request.userInfo.username in ${celList(workloadControllers)}`;

const change = ["CREATE", "UPDATE"];
const workloads: readonly Rule[] = [
  { group: "", resources: ["podtemplates", "replicationcontrollers"], operations: change },
  { group: "apps", resources: ["daemonsets", "deployments", "replicasets", "statefulsets"], operations: change },
  { group: "batch", resources: ["cronjobs", "jobs"], operations: change },
];

/** Where the pod is in an object that has one. */
const podSpec = [
  "object.kind == 'Pod' ? object.?spec",
  "object.kind == 'PodTemplate' ? object.?template.?spec",
  "object.kind == 'CronJob' ? object.?spec.?jobTemplate.?spec.?template.?spec",
  "object.?spec.?template.?spec",
].join(" : ");
const containers = ["containers", "initContainers", "ephemeralContainers"]
  .map((list) => `variables.pod.?${list}.orValue([])`)
  .join(" + ");

function podSafety(exemptNamespaces: readonly string[]): Policy {
  const shared = (field: string) => `!variables.pod.?${field}.orValue(false)`;
  return {
    name: policyNames.podSafety,
    rules: [
      {
        group: "",
        resources: ["pods", "pods/ephemeralcontainers", "pods/resize"],
        operations: change,
      },
      ...workloads,
    ],
    // A pod that was there before the policy can still be finished and deleted: only what is new or changed is looked at.
    when: {
      "spec-changed":
        "request.operation == 'CREATE' || object.?spec != oldObject.?spec || object.kind == 'PodTemplate'",
    },
    variables: { pod: `(${podSpec}).orValue(dyn({}))`, containers },
    checks: [
      {
        expression: "variables.containers.all(c, !c.?securityContext.?privileged.orValue(false))",
        message: "privileged containers are forbidden here",
      },
      { expression: shared("hostNetwork"), message: "hostNetwork is forbidden here" },
      { expression: shared("hostPID"), message: "hostPID is forbidden here" },
      { expression: shared("hostIPC"), message: "hostIPC is forbidden here" },
      {
        expression: "variables.pod.?volumes.orValue([]).all(v, !has(v.hostPath))",
        message: "hostPath volumes are forbidden here",
      },
    ],
    namespaces: { operator: "NotIn", names: [...systemNamespaces, ...exemptNamespaces] },
  };
}

/** Everywhere that an object carries labels and annotations which end up on a pod, a claim or a node. */
const metadataPlaces = [
  "metadata",
  "spec.template.metadata",
  "spec.jobTemplate.metadata",
  "spec.jobTemplate.spec.template.metadata",
  "template.metadata",
  // A ControllerRevision holds a StatefulSet's or DaemonSet's template, which a rollback puts into force.
  "data.spec.template.metadata",
];

const isReserved = (key: string) => `(${key}.startsWith('${reservedPrefix}') || ${key}.contains('.${reservedPrefix}'))`;
const isPodSecurity = (key: string) => `${key}.startsWith('pod-security.kubernetes.io/')`;

/** No member of the map that `concerns` names was added, changed or removed. */
function unchanged(place: string, member: string, concerns: (key: string) => string): string {
  const at = (root: string) => `${root}.?${[...place.split("."), member].join(".?")}.orValue(dyn({}))`;
  const [now, before] = [at("object"), at("variables.before")];
  return [
    `${now}.all(k, !${concerns("k")} || (k in ${before} && ${before}[k] == ${now}[k]))`,
    `${before}.all(k, !${concerns("k")} || k in ${now})`,
  ].join(" && ");
}

const reservedMetadata: Policy = {
  name: policyNames.reservedMetadata,
  rules: [
    {
      group: "",
      // `pods/*`: status updates carry metadata too, and a Binding's annotations are copied to its pod (registry/core/pod/storage).
      resources: [
        "bindings",
        "configmaps",
        "namespaces",
        "namespaces/*",
        "nodes",
        "nodes/*",
        "persistentvolumeclaims",
        "persistentvolumeclaims/*",
        "persistentvolumes",
        "persistentvolumes/*",
        "pods",
        "pods/*",
        "podtemplates",
        "replicationcontrollers",
        "replicationcontrollers/*",
        "services",
      ],
      operations: change,
    },
    { group: "apps", resources: ["*/*"], operations: change },
    { group: "batch", resources: ["*/*"], operations: change },
  ],
  when: { "not-wcs": `!(${isWcs})`, "not-a-controller": `!(${isController})` },
  variables: { before: "request.operation == 'UPDATE' ? dyn(oldObject) : dyn({})" },
  checks: [
    ...metadataPlaces.flatMap((place) =>
      ["labels", "annotations"].map((member) => ({
        expression: unchanged(place, member, isReserved),
        message: `${reservedPrefix}* in ${place}.${member} is written by WCS only`,
      })),
    ),
    {
      expression: [
        "object.?spec.?volumeClaimTemplates.orValue([]).all(t, ['labels', 'annotations'].all(m,",
        `!(m in t.?metadata.orValue(dyn({}))) || t.metadata[m].all(k, !k.startsWith('${reservedPrefix}'))))`,
      ].join(" "),
      message: `${reservedPrefix}* in spec.volumeClaimTemplates is written by WCS only`,
    },
    {
      expression: [
        "object.kind != 'Namespace'",
        `!('${businessLabel}' in variables.before.?metadata.?labels.orValue(dyn({})))`,
        `(${unchanged("metadata", "labels", isPodSecurity)})`,
      ].join(" || "),
      message: "pod-security labels of a business's namespace are written by WCS only",
    },
  ],
};

function sideDoors(exemptNamespaces: readonly string[]): Policy {
  return {
    name: policyNames.sideDoors,
    rules: [
      {
        group: "",
        resources: ["pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy", "nodes/proxy"],
        operations: ["CONNECT"],
      },
      { group: "", resources: ["pods/ephemeralcontainers"], operations: ["CREATE", "UPDATE"] },
    ],
    checks: [
      {
        expression: isWcs,
        message: "containers are reached through WCS only: use `wcs login`, `wcs exec`, `wcs logs` or `wcs debug`",
      },
    ],
    namespaces: { operator: "NotIn", names: [...systemNamespaces, ...exemptNamespaces] },
  };
}

/** WCS's namespace holds two ServiceAccounts and nothing that runs: no way to borrow an identity through it. */
const guardOwnNamespace: Policy = {
  name: policyNames.ownNamespace,
  rules: [
    { group: "", resources: ["pods"], operations: ["CREATE"] },
    ...workloads.map((rule) => ({ ...rule, operations: ["CREATE"] })),
    { group: "", resources: ["secrets"], operations: change },
    { group: "", resources: ["serviceaccounts/token"], operations: ["CREATE"] },
  ],
  checks: [
    {
      expression: `object.kind == 'TokenRequest' && (${isKeeper} || 'system:masters' in request.userInfo.groups)`,
      message: "nothing runs in WCS's own namespace, and only WCS renews its credentials",
    },
  ],
  namespaces: { operator: "In", names: [ownNamespace] },
};

/** RBAC can't say "only namespaces of a business": this holds the keeper to them. */
const keeperLimits: Policy = {
  name: policyNames.keeperLimits,
  rules: [
    { group: "", resources: ["namespaces", "resourcequotas"], operations: [...change, "DELETE"] },
    {
      group: "rbac.authorization.k8s.io",
      resources: ["rolebindings"],
      operations: [...change, "DELETE"],
    },
  ],
  when: { keeper: isKeeper },
  variables: {
    labels:
      "request.kind.kind == 'Namespace' ? (oldObject == null ? dyn(object) : dyn(oldObject)).?metadata.?labels.orValue(dyn({})) : namespaceObject.?metadata.?labels.orValue(dyn({}))",
    space: "request.kind.kind == 'Namespace' ? request.name : request.namespace",
  },
  checks: [
    {
      expression: `'${businessLabel}' in variables.labels || variables.space == '${ownNamespace}'`,
      message: `the keeper of WCS's baseline works in namespaces labelled ${businessLabel} only`,
    },
  ],
};

function objectsOf(policy: Policy): readonly BaselineObject[] {
  const ruleOf = ({ group, resources, operations }: Rule) => ({
    apiGroups: [group],
    apiVersions: ["*"],
    resources,
    operations,
    scope: "*",
  });
  const named = (entries: Readonly<Record<string, string>> = {}) =>
    Object.entries(entries).map(([name, expression]) => ({ name, expression }));
  const metadata = { name: policy.name, labels: managedLabels };
  const selector = {
    matchExpressions:
      policy.namespaces === undefined
        ? []
        : [
            {
              key: "kubernetes.io/metadata.name",
              operator: policy.namespaces.operator,
              values: [...new Set(policy.namespaces.names)].sort(),
            },
          ],
  };
  return [
    {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicy",
      metadata,
      spec: {
        failurePolicy: "Fail",
        matchConstraints: { resourceRules: policy.rules.map(ruleOf), matchPolicy: "Equivalent" },
        ...(policy.when === undefined ? {} : { matchConditions: named(policy.when) }),
        ...(policy.variables === undefined ? {} : { variables: named(policy.variables) }),
        validations: policy.checks.map((check) => ({ ...check, reason: "Forbidden" })),
      },
    },
    {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicyBinding",
      metadata,
      spec: {
        policyName: policy.name,
        validationActions: ["Deny"],
        ...(policy.namespaces === undefined
          ? {}
          : { matchResources: { namespaceSelector: selector, matchPolicy: "Equivalent" } }),
      },
    },
  ];
}

/**
 * The cluster's admission policies with their bindings (CEL, evaluated inside the API server: no webhook that can be away). `exemptNamespaces` are
 * those of the cluster's own add-ons; Kubernetes' system namespaces are always exempt from pod safety and side doors.
 */
export function admissionPolicies(exemptNamespaces: readonly string[]): readonly BaselineObject[] {
  return [
    podSafety(exemptNamespaces),
    reservedMetadata,
    sideDoors(exemptNamespaces),
    guardOwnNamespace,
    keeperLimits,
  ].flatMap(objectsOf);
}
