import type { GracefulStop, Probe, TemplateSpec } from "@wcs/core/template";
import type { InstanceDesign } from "./instance-manifest.ts";
import { cpuQuantity, memoryQuantity } from "./quantity.ts";

/** The one container of an instance. */
export const containerName = "app";

const defaultStopSeconds = 30;

/** The pod of an instance, under pod security `restricted`, with every field that WCS means written out. */
export function podSpec(
  design: InstanceDesign,
  names: { configName: string | null; logClaim: string | null },
): Readonly<Record<string, unknown>> {
  const { template } = design;
  const { uid, gid } = template.user;
  return {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [design.host] }] }],
        },
      },
    },
    // For ever: without tolerationSeconds the node controller never evicts (architecture, decision 3).
    tolerations: ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"].map((key) => ({
      key,
      operator: "Exists",
      effect: "NoExecute",
    })),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    // An instance is on the bank's network and asks the bank's name servers, as its host does.
    dnsPolicy: "Default",
    restartPolicy: "Always",
    // A StatefulSet gives its pod the host name <name>-0; this wins (KEP-4762, on by default since Kubernetes 1.35).
    hostnameOverride: design.instance,
    terminationGracePeriodSeconds: template.gracefulStop?.seconds ?? defaultStopSeconds,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: uid,
      runAsGroup: gid,
      fsGroup: gid,
      fsGroupChangePolicy: "OnRootMismatch",
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [container(design, names)],
    volumes: volumes(template, names),
  };
}

function container(
  design: InstanceDesign,
  names: { configName: string | null; logClaim: string | null },
): Readonly<Record<string, unknown>> {
  const { template } = design;
  const resources = resourcesOf(design);
  const ports = (template.ports ?? []).map((port) => ({
    name: port.name,
    containerPort: port.port,
    protocol: port.protocol ?? "TCP",
  }));
  return {
    name: containerName,
    image: `${template.image}@${design.imageDigest}`,
    imagePullPolicy: "IfNotPresent",
    ...(template.command && { command: template.command.map(keepDollars) }),
    ...(template.args && { args: template.args.map(keepDollars) }),
    env: environment(design),
    ...(ports.length > 0 && { ports }),
    resources: { requests: resources, limits: resources },
    // Both can change while it runs; a host that cannot do it says so, and the release re-creates the pod.
    resizePolicy: ["cpu", "memory"].map((resourceName) => ({ resourceName, restartPolicy: "NotRequired" })),
    ...(template.probes?.startup && { startupProbe: probe(template.probes.startup) }),
    ...(template.probes?.readiness && { readinessProbe: probe(template.probes.readiness) }),
    ...(template.probes?.liveness && { livenessProbe: probe(template.probes.liveness) }),
    ...lifecycle(template.gracefulStop),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: template.readOnlyRoot ?? false,
    },
    volumeMounts: volumeMounts(template, names),
  };
}

function resourcesOf(design: InstanceDesign): Readonly<Record<string, string>> {
  const { cpuMilli, memoryMiB, diskMiB } = design.class;
  return {
    cpu: cpuQuantity(cpuMilli),
    memory: memoryQuantity(memoryMiB),
    ...(diskMiB === undefined ? {} : { "ephemeral-storage": memoryQuantity(diskMiB) }),
  };
}

function environment(design: InstanceDesign): readonly { name: string; value: string }[] {
  const own = { ...design.template.environment };
  const given = {
    TZ: design.template.timeZone ?? design.timeZone,
    WCS_DCN: design.dcn,
    WCS_ENVIRONMENT: design.environment,
    WCS_INSTANCE: design.instance,
    WCS_SUBSYSTEM: design.subsystem,
  };
  return Object.entries({ ...own, ...given })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value: keepDollars(value) }));
}

/**
 * Kubernetes replaces `$(NAME)` and `$$` in variables and arguments (k8s.io/kubernetes third_party/forked/golang/expansion). Templates have their
 * own placeholders, so what is left is meant as it stands.
 */
function keepDollars(value: string): string {
  return value.replaceAll(/\$(?=[$(])/g, "$$$$");
}

function probe(asked: Probe): Readonly<Record<string, unknown>> {
  return {
    ...(asked.http && { httpGet: { path: asked.http.path, port: asked.http.port, scheme: "HTTP" } }),
    ...(asked.tcp && { tcpSocket: { port: asked.tcp.port } }),
    ...(asked.command && { exec: { command: [...asked.command] } }),
    ...(asked.initialDelaySeconds ? { initialDelaySeconds: asked.initialDelaySeconds } : {}),
    periodSeconds: asked.periodSeconds ?? 10,
    timeoutSeconds: asked.timeoutSeconds ?? 1,
    failureThreshold: asked.failureThreshold ?? 3,
  };
}

function lifecycle(stop: GracefulStop | undefined): Readonly<Record<string, unknown>> {
  if (stop?.command !== undefined) return { lifecycle: { preStop: { exec: { command: [...stop.command] } } } };
  if (stop?.http !== undefined) {
    return { lifecycle: { preStop: { httpGet: { path: stop.http.path, port: stop.http.port, scheme: "HTTP" } } } };
  }
  return {};
}

function volumes(
  template: TemplateSpec,
  { configName, logClaim }: { configName: string | null; logClaim: string | null },
): readonly unknown[] {
  const files = template.files ?? [];
  return [
    ...(configName === null
      ? []
      : [
          {
            name: "files",
            configMap: {
              name: configName,
              defaultMode: 0o440,
              items: files.map((file, index) => ({
                key: `file-${index}`,
                path: `file-${index}`,
                mode: Number.parseInt(file.mode ?? "0440", 8),
              })),
            },
          },
        ]),
    ...(template.folders ?? []).map((folder, index) => ({
      name: `folder-${index}`,
      emptyDir: { sizeLimit: memoryQuantity(folder.sizeMiB) },
    })),
    ...(logClaim === null ? [] : [{ name: "log", persistentVolumeClaim: { claimName: logClaim } }]),
  ];
}

function volumeMounts(
  template: TemplateSpec,
  { configName, logClaim }: { configName: string | null; logClaim: string | null },
): readonly unknown[] {
  return [
    ...(template.folders ?? []).map((folder, index) => ({ name: `folder-${index}`, mountPath: folder.path })),
    ...(logClaim === null ? [] : [{ name: "log", mountPath: template.logFolder }]),
    ...(configName === null
      ? []
      : (template.files ?? []).map((file, index) => ({
          name: "files",
          mountPath: file.path,
          subPath: `file-${index}`,
          readOnly: true,
        }))),
  ];
}
