import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { Estate, InstanceRecord } from "@wcs/core/placement";
import { createKubeClient, formatKubeconfig, nodes, pods, resourceType, type KubeClient } from "@wcs/kube";
import { findKubeBinary, startControlPlane, type ControlPlane } from "@wcs/kube/testing";

const atOnce = 24;
const namespace = "default";

/** An instance that is asked for: which application, and its size. */
export type WantedPod = Readonly<{ name: string; application: string; class: string }>;

/** What the real kube-scheduler did: where each pod is, and the time from its start to the last binding; `after`: what came then. */
export type SchedulerRun<T> = Readonly<{
  instances: readonly InstanceRecord[];
  seconds: number;
  unplaced: number;
  after: T;
}>;

/**
 * Runs the lab's kube-scheduler with its default scoring on a real API server and etcd: one node for each host of the estate, and
 * pods that may share neither a host nor, beyond half of them, a rack. `after` has the cluster when the pods are gone again.
 */
export async function runScheduler<T>(
  estate: Estate,
  wanted: readonly WantedPod[],
  after: (plane: ControlPlane) => Promise<T>,
): Promise<SchedulerRun<T>> {
  const plane = await startControlPlane();
  const folder = await mkdtemp(join(tmpdir(), "wcs-bench-"));
  const client = createKubeClient({
    access: plane.access,
    userAgent: "wcs-bench",
    callsPerSecond: 5_000,
    maxAttempts: 3,
  });
  try {
    await createNodes(client, estate);
    await client.create(
      resourceType("v1/serviceaccounts", "ServiceAccount", "namespaced"),
      {
        metadata: { name: "default" },
      },
      { namespace },
    );
    await inParallel(wanted, (pod) => client.create(pods, podManifest(estate, pod), { namespace }));
    const run = await schedule(client, plane, { folder, wanted });
    await inParallel(wanted, ({ name }) => client.delete(pods, { namespace, name, gracePeriodSeconds: 0 }));
    return { ...run, after: await after(plane) };
  } finally {
    client.close();
    await plane.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function createNodes(client: KubeClient, estate: Estate): Promise<void> {
  await inParallel(estate.hosts, async (host) => {
    const size = {
      cpu: `${host.allocatable.cpuMilli}m`,
      memory: `${host.allocatable.memoryMiB}Mi`,
      pods: String(host.allocatable.instances),
    };
    const labels = { "kubernetes.io/hostname": host.id, "topology.kubernetes.io/zone": host.rack };
    await client.create(nodes, { metadata: { name: host.id, labels } });
    const status = {
      capacity: size,
      allocatable: size,
      conditions: [{ type: "Ready", status: "True", reason: "Bench", message: "", lastHeartbeatTime: null }],
    };
    await client.patch(nodes, { name: host.id, subresource: "status", kind: "merge", patch: { status } });
    // Admission taints a node made by hand as not ready; nothing else takes that off here.
    await client.patch(nodes, { name: host.id, kind: "merge", patch: { spec: { taints: null } } });
  });
}

function podManifest(estate: Estate, { name, application, class: size }: WantedPod) {
  const { cpuMilli, memoryMiB } = estate.classes.find((each) => each.id === size)!;
  const spread = (topologyKey: string, maxSkew: number) => ({
    topologyKey,
    maxSkew,
    whenUnsatisfiable: "DoNotSchedule",
    labelSelector: { matchLabels: { app: application } },
  });
  return {
    metadata: { name, labels: { app: application, size } },
    spec: {
      topologySpreadConstraints: [spread("topology.kubernetes.io/zone", 5), spread("kubernetes.io/hostname", 1)],
      containers: [
        { name: "main", image: "none", resources: { requests: { cpu: `${cpuMilli}m`, memory: `${memoryMiB}Mi` } } },
      ],
    },
  };
}

type Job = Readonly<{ folder: string; wanted: readonly WantedPod[] }>;

async function schedule(
  client: KubeClient,
  plane: ControlPlane,
  { folder, wanted }: Job,
): Promise<Omit<SchedulerRun<never>, "after">> {
  const kubeconfig = join(folder, "scheduler.kubeconfig");
  await writeFile(kubeconfig, formatKubeconfig(plane.access), { mode: 0o600 });
  const scheduler = spawn(
    findKubeBinary("kube-scheduler"),
    [
      `--kubeconfig=${kubeconfig}`,
      "--leader-elect=false",
      "--kube-api-qps=5000",
      "--kube-api-burst=10000",
      "--secure-port=0",
    ],
    { stdio: "ignore" },
  );
  const ended = once(scheduler, "exit");
  try {
    const started = performance.now();
    let seconds = 0;
    let left = wanted.length;
    // Until all are bound, or none was for half a minute.
    for (let idleSince = performance.now(); left > 0 && performance.now() - idleSince < 30_000;) {
      await sleep(500);
      const waiting = await client.list(pods, { namespace, fieldSelector: "spec.nodeName=", pageSize: 10_000 });
      if (waiting.items.length === left) continue;
      left = waiting.items.length;
      idleSince = performance.now();
      seconds = (idleSince - started) / 1000;
    }
    const all = await client.list(pods, { namespace });
    const instances = all.items.flatMap((pod): InstanceRecord[] => {
      const { labels, name } = pod.metadata;
      const host = pod.spec?.nodeName;
      if (host === undefined || host === "") return [];
      const of = { subsystem: labels?.["app"] ?? "", dcn: "D0-0", class: labels?.["size"] ?? "", host };
      return [{ id: name, ...of, subnets: [], lifetime: "long-term", borrowed: false }];
    });
    return { instances, seconds, unplaced: left };
  } finally {
    scheduler.kill("SIGKILL");
    await ended;
  }
}

async function inParallel<T>(list: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < list.length; at = next++) await work(list[at]!);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
