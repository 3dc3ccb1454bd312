import { canonicalHash } from "@wcs/core/canonical";
import { networkAnnotationName, printNetworkAnnotation, type NetworkAnnotation } from "@wcs/core/ipam";
import type { TemplateSpec } from "@wcs/core/template";
import { instanceLabels } from "./instance-labels.ts";
import { containerName, podSpec } from "./pod-spec.ts";

/** The size of an instance. Requests equal limits, as a VM's do. */
export type InstanceClass = Readonly<{ name: string; cpuMilli: number; memoryMiB: number; diskMiB?: number }>;

/** Everything that the Kubernetes objects of one instance follow from. */
export type InstanceDesign = Readonly<{
  instance: string;
  business: string;
  subsystem: string;
  dcn: string;
  environment: string;
  namespace: string;
  /** The Node that the instance lives on. */
  host: string;
  class: InstanceClass;
  /** The addresses as the ledger gives them. */
  network: NetworkAnnotation;
  /** The template, filled in for this instance (renderTemplate). */
  template: TemplateSpec;
  /** `sha256:…` of the image. */
  imageDigest: string;
  /** The environment's, where the template names none. */
  timeZone: string;
  /** The release that brought this version. */
  release: string;
  running: boolean;
}>;

export type KubeObject = Readonly<{
  apiVersion: string;
  kind: string;
  metadata: Readonly<{
    name: string;
    namespace?: string;
    labels: Readonly<Record<string, string>>;
    annotations?: Readonly<Record<string, string>>;
  }>;
  [member: string]: unknown;
}>;

export type PodTemplate = Readonly<{
  metadata: Readonly<{ labels: Readonly<Record<string, string>>; annotations: Readonly<Record<string, string>> }>;
  spec: Readonly<Record<string, unknown>>;
}>;

export type InstanceManifests = Readonly<{
  statefulSet: KubeObject;
  podTemplate: PodTemplate;
  /** What must be there before the StatefulSet: configuration, the log folder's volume and claim. */
  before: readonly KubeObject[];
  /** Hash of what the pod is made of. A pod that carries it in `wcs.io/version` is at this design. */
  version: string;
}>;

/** The name of the one pod of an instance's StatefulSet. */
export function podName(instance: string): string {
  return `${instance}-0`;
}

/** Where an instance's log folder lies on its host, whatever host that is. */
export function logFolderOnHost(instance: string): string {
  return `/var/log/wcs/${instance}`;
}

/**
 * The Kubernetes objects of one instance: a StatefulSet of one that only WCS updates (OnDelete), bound to its host, tolerating that
 * host's silence for ever, so that nothing is evicted by Kubernetes' own clock. Same design, same objects.
 */
export function instanceManifests(design: InstanceDesign): InstanceManifests {
  const labels = instanceLabels(design);
  const before: KubeObject[] = [];
  const files = design.template.files ?? [];
  let configName: string | null = null;
  if (files.length > 0) {
    const data = Object.fromEntries(files.map((file, index) => [`file-${index}`, file.content]));
    configName = `${design.instance}-files-${shortHash(data)}`;
    before.push({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: configName, namespace: design.namespace, labels },
      immutable: true,
      data,
    });
  }
  let logClaim: string | null = null;
  if (design.template.logFolder !== undefined) {
    logClaim = `${design.instance}-log-${shortHash(design.host)}`;
    before.push(...logVolume(design, logClaim, labels));
  }

  const spec = podSpec(design, { configName, logClaim });
  const podLabels = { ...design.template.labels, ...labels };
  const network = printNetworkAnnotation(design.network);
  const version = canonicalHash({ labels: podLabels, network, spec });
  const podTemplate: PodTemplate = {
    metadata: {
      labels: podLabels,
      annotations: {
        "kubectl.kubernetes.io/default-container": containerName,
        [networkAnnotationName]: network,
        "wcs.io/release": design.release,
        "wcs.io/version": version,
      },
    },
    spec,
  };
  const statefulSet: KubeObject = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: {
      name: design.instance,
      namespace: design.namespace,
      labels,
      annotations: { "wcs.io/release": design.release, "wcs.io/version": version },
    },
    spec: {
      replicas: design.running ? 1 : 0,
      serviceName: "",
      podManagementPolicy: "Parallel",
      updateStrategy: { type: "OnDelete" },
      revisionHistoryLimit: 1,
      selector: { matchLabels: { "wcs.io/instance": design.instance } },
      template: podTemplate,
    },
  };
  return { statefulSet, podTemplate, before, version };
}

/**
 * The log folder as a local volume: pod security `restricted` forbids hostPath in a pod, and a claim is allowed. The agent of the host makes
 * the folder. The claim's name has the host in it, since a volume's host cannot change and an instance's can.
 */
function logVolume(
  design: InstanceDesign,
  claim: string,
  labels: Readonly<Record<string, string>>,
): readonly KubeObject[] {
  const size = { storage: "1Gi" };
  const common = { accessModes: ["ReadWriteOnce"], storageClassName: "", volumeMode: "Filesystem" };
  const volume = `wcs-${design.namespace}-${claim}`;
  return [
    {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: volume, labels },
      spec: {
        ...common,
        capacity: size,
        local: { path: logFolderOnHost(design.instance) },
        persistentVolumeReclaimPolicy: "Retain",
        claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace: design.namespace, name: claim },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [design.host] }] },
            ],
          },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: claim, namespace: design.namespace, labels },
      spec: { ...common, volumeName: volume, resources: { requests: size } },
    },
  ];
}

function shortHash(value: unknown): string {
  return canonicalHash(value).slice("sha256:".length, "sha256:".length + 10);
}
