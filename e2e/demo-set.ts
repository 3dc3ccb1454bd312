import { setTimeout as sleep } from "node:timers/promises";
import { kubectl } from "@wcs/lab";

/** A pod as `kubectl get pods -o json` shows it, as far as the journeys need it. */
export type DemoPod = Readonly<{ name: string; ip: string; host: string; ready: boolean; image: string }>;

/** Applies a StatefulSet of the demo application to a cluster and waits until all its pods are Ready. */
export async function applyDemoSet(
  cluster: string,
  { replicas, version }: { replicas: number; version: string },
): Promise<DemoPod[]> {
  const manifest = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "demo" },
    spec: {
      serviceName: "demo",
      replicas,
      podManagementPolicy: "Parallel",
      selector: { matchLabels: { app: "demo" } },
      template: {
        metadata: { labels: { app: "demo" } },
        spec: {
          terminationGracePeriodSeconds: 15,
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "DoNotSchedule",
              labelSelector: { matchLabels: { app: "demo" } },
            },
          ],
          containers: [
            {
              name: "main",
              image: `registry.lab.wcs/demo:${version}`,
              resources: { requests: { cpu: "4", memory: "8Gi" }, limits: { cpu: "4", memory: "8Gi" } },
              readinessProbe: { httpGet: { path: "/ready", port: 8080 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  };
  await kubectl(cluster, ["apply", "-f", "-"], JSON.stringify(manifest));
  await kubectl(cluster, ["rollout", "status", "statefulset/demo", "--timeout=90s"]);
  return readDemoPods(cluster);
}

export async function readDemoPods(cluster: string): Promise<DemoPod[]> {
  const list = JSON.parse(await kubectl(cluster, ["get", "pods", "-l", "app=demo", "-o", "json"])) as {
    items: {
      metadata: { name: string };
      spec: { nodeName?: string; containers: { image: string }[] };
      status: { podIP?: string; conditions?: { type: string; status: string }[] };
    }[];
  };
  return list.items.map((pod) => ({
    name: pod.metadata.name,
    ip: pod.status.podIP ?? "",
    host: pod.spec.nodeName ?? "",
    ready: pod.status.conditions?.some((each) => each.type === "Ready" && each.status === "True") ?? false,
    image: pod.spec.containers[0]?.image ?? "",
  }));
}

/** Asks until the answer is true. @throws when it is not within `timeoutMs` */
export async function eventually(what: string, timeoutMs: number, ask: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await sleep(300);
  }
}
