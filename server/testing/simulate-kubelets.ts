import { setTimeout as sleep } from "node:timers/promises";
import { isKubeError, nodes, pods, startWatchCache, type KubeClient, type PodObject } from "@wcs/kube";

/** How simulated kubelets behave. */
export type SimulatedKubelets = Readonly<{
  /** A digest that cannot be pulled. */
  missing: Set<string>;
  /** Hosts that are away: they say nothing, and their pods stay as they are. */
  silent: Set<string>;
  stop: () => Promise<void>;
}>;

/**
 * Plays scheduler and kubelet for every pod of a cluster that has neither: binds a pod to the node of its affinity, says Ready after `startMs`, a
 * new container for a new image, and deletes what is to go. For tests and benches of what stands above Kubernetes.
 */
export function simulateKubelets(
  client: KubeClient,
  { hosts, startMs = 50, beatMs = 5_000 }: Readonly<{ hosts: readonly string[]; startMs?: number; beatMs?: number }>,
): SimulatedKubelets {
  const missing = new Set<string>();
  const silent = new Set<string>();
  const stopping = new AbortController();
  const working = new Map<string, Promise<void>>();
  const dirty = new Set<string>();

  const actOn = async (namespace: string, name: string): Promise<void> => {
    const pod = cache.get(`${namespace}/${name}`);
    if (pod === undefined) return;
    const host = pod.spec?.nodeName;
    // A host that is off confirms no deletion: its pods stay until somebody deletes them by force.
    if (host !== undefined && silent.has(host)) return;
    if (pod.metadata.deletionTimestamp !== undefined) {
      await client.delete(pods, {
        namespace,
        name,
        gracePeriodSeconds: 0,
        preconditions: { uid: pod.metadata.uid ?? "" },
      });
      return;
    }
    if (host === undefined) {
      const target = { apiVersion: "v1", kind: "Node", name: nodeOf(pod) };
      const call = { namespace, name, subresource: "binding" };
      await client.create(pods, { apiVersion: "v1", kind: "Binding", metadata: { name }, target }, call);
      return;
    }
    const [container] = pod.spec?.containers ?? [];
    const [status] = pod.status?.containerStatuses ?? [];
    if (container === undefined) return;
    const saysReady =
      pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
    const isSame = status !== undefined && status.image === container.image;
    if (isSame && (saysReady || isMissing(container.image))) return;
    await sleep(startMs, undefined, { signal: stopping.signal });
    // The node controller says of a silent host's pods that they are not ready; when it is back its containers are the same.
    const containerID =
      isSame && status.containerID !== undefined ? status.containerID : `simulated://${crypto.randomUUID()}`;
    const restartCount = status === undefined ? 0 : status.restartCount + (isSame ? 0 : 1);
    await client.patch(pods, {
      namespace,
      name,
      subresource: "status",
      kind: "merge",
      patch: {
        metadata: { uid: pod.metadata.uid },
        status: statusOf(container.image ?? "", { restartCount, containerID, resources: container["resources"] }),
      },
    });
  };
  const isMissing = (image = ""): boolean => missing.has(image.split("@")[1] ?? "");
  const statusOf = (
    image: string,
    {
      restartCount,
      containerID,
      resources,
    }: Readonly<{ restartCount: number; containerID: string; resources: unknown }>,
  ): PodObject["status"] => {
    const now = new Date().toISOString();
    const isReady = !isMissing(image);
    const conditions = ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => ({
      type,
      status: isReady || type === "PodScheduled" ? "True" : "False",
      lastTransitionTime: now,
    }));
    const state = isReady
      ? { running: { startedAt: now } }
      : { waiting: { reason: "ErrImagePull", message: `failed to pull ${image}: not found` } };
    const containerStatuses = [
      {
        name: "app",
        image,
        imageID: image,
        ready: isReady,
        started: isReady,
        restartCount,
        // By these the API server knows a host that can resize (KEP-1287).
        resources,
        ...(isReady ? { containerID } : {}),
        state,
      },
    ];
    return { phase: isReady ? "Running" : "Pending", conditions, containerStatuses };
  };
  const touch = (key: string): void => {
    if (working.has(key)) {
      dirty.add(key);
      return;
    }
    const [namespace = "", name = ""] = key.split("/");
    const work = actOn(namespace, name)
      .catch(async (error: unknown) => {
        if (stopping.signal.aborted) return;
        // Somebody else was quicker, or the API server is away: it is tried again, as kubelet does.
        const isOther = isKubeError(error, "invalid") && error.message.includes("metadata.uid");
        if (!isOther && !isKubeError(error, "conflict", "not-found", ...awayReasons)) throw error;
        dirty.add(key);
        await sleep(isKubeError(error, ...awayReasons) ? 200 : 20);
      })
      .finally(() => {
        working.delete(key);
        if (dirty.delete(key) && !stopping.signal.aborted) touch(key);
      });
    working.set(key, work);
  };
  const cache = startWatchCache({
    client,
    resource: pods,
    project: (pod) => pod,
    onChange: ({ key, after }) => after !== undefined && touch(key),
  });
  const onReturn = (): void => {
    for (const [key] of cache.entries()) touch(key);
  };
  const beating = beat(client, { hosts, silent, beatMs, onReturn, signal: stopping.signal });
  return {
    missing,
    silent,
    stop: async () => {
      stopping.abort();
      await cache.close();
      await Promise.allSettled([beating, ...working.values()]);
    },
  };
}

function nodeOf(pod: PodObject): string {
  const spec = pod.spec as {
    affinity?: {
      nodeAffinity?: {
        requiredDuringSchedulingIgnoredDuringExecution?: {
          nodeSelectorTerms: { matchFields: { values: string[] }[] }[];
        };
      };
    };
  };
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms?.[0]?.matchFields[0]?.values[0] ?? "";
}

const awayReasons = ["unreachable", "timed-out", "server-error", "too-many-requests"] as const;

/** Makes a Node for each host, ready and with room, and lets its kubelet be heard. */
async function beat(
  client: KubeClient,
  {
    hosts,
    silent,
    beatMs,
    onReturn,
    signal,
  }: Readonly<{
    hosts: readonly string[];
    silent: ReadonlySet<string>;
    beatMs: number;
    onReturn: () => void;
    signal: AbortSignal;
  }>,
): Promise<void> {
  const manager = { fieldManager: "simulated-kubelet", force: true };
  for (const name of hosts) {
    const metadata = { name, labels: { "kubernetes.io/hostname": name } };
    await client.apply(nodes, { apiVersion: "v1", kind: "Node", metadata }, manager);
  }
  let away: readonly string[] = [];
  while (!signal.aborted) {
    const returned = away.some((host) => !silent.has(host));
    away = [...silent];
    for (const name of hosts.filter((host) => !silent.has(host))) {
      const now = new Date().toISOString();
      const room = { cpu: "16", memory: "32Gi", pods: "110" };
      const conditions = [
        { type: "Ready", status: "True", reason: "KubeletReady", lastHeartbeatTime: now, lastTransitionTime: now },
      ];
      const status = { capacity: room, allocatable: room, conditions };
      const metadata = { name };
      const patch = { metadata, status };
      await client.patch(nodes, { name, subresource: "status", kind: "strategic", patch }).catch((error: unknown) => {
        if (!isKubeError(error, ...awayReasons)) throw error;
      });
    }
    if (returned) onReturn();
    await sleep(beatMs, undefined, { signal }).catch(() => undefined);
  }
}
