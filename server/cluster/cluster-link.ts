import { nodeState, podState, type NodeState, type PodState } from "@wcs/core/cluster";
import {
  createKubeClient,
  namespaces,
  nodes,
  pods,
  startWatchCache,
  statefulSets,
  type ClusterAccess,
  type KubeClient,
  type KubeObject,
  type WatchCache,
  type CacheChange,
} from "@wcs/kube";
import type { Log } from "../program/log.ts";
import { followOtherPods, type OtherPods } from "./other-pods.ts";
import { followHealth, unknownHealth, type ClusterHealth } from "./health-probe.ts";
import { userAgent } from "./register-cluster.ts";

/** An object as its cluster last told of it, as JSON: a tenth of the memory of the parsed object, since most are never looked at. */
export type SeenObject = Readonly<{ text: string }>;

/** What is kept of a namespace. */
export type SeenNamespace = Readonly<{ deleting: boolean; labels: Readonly<Record<string, string>> }>;

/** This server's link with one cluster, as WCS's own identity. */
export type ClusterLink = Readonly<{
  name: string;
  client: KubeClient;
  nodes: WatchCache<NodeState>;
  /** WCS's own pods (those of instances). */
  pods: WatchCache<PodState & SeenObject>;
  /** What all other pods request of the nodes. */
  others: OtherPods;
  /** Those of instances. */
  statefulSets: WatchCache<SeenObject>;
  namespaces: WatchCache<SeenNamespace>;
  health: () => ClusterHealth;
  /** A renewed credential, used from the next call on. */
  useToken: (token: string) => void;
  close: () => Promise<void>;
}>;

export type ClusterLinkOptions = Readonly<{
  name: string;
  access: ClusterAccess;
  log: Log;
  probeEveryMs: number;
  onNode?: (change: CacheChange<NodeState>) => void;
  onPod?: (change: CacheChange<PodState>) => void;
  /** What others request of a node has changed. */
  onOthers?: (node: string) => void;
  onStatefulSet?: (change: CacheChange<SeenObject>) => void;
  onNamespace?: (change: CacheChange<SeenNamespace>) => void;
  /** Called when the cluster answers after it did not. */
  onReached?: () => void;
  callsPerSecond: number;
}>;

/** Only WCS writes it (core/cluster, the policy of reserved metadata). */
const instanceLabel = "wcs.io/instance";

/** Opens a link. Nothing in it waits: a cluster that is away shows in `health` and in the caches' status. */
export function openClusterLink(options: ClusterLinkOptions): ClusterLink {
  const { name, log } = options;
  const { credential, ...rest } = options.access;
  let token = credential.kind === "token" && typeof credential.token === "string" ? credential.token : "";
  const access: ClusterAccess = {
    ...rest,
    credential: credential.kind === "token" ? { kind: "token", token: () => token } : credential,
  };
  const { callsPerSecond } = options;
  const client = createKubeClient({ access, userAgent, callsPerSecond, burst: 2 * callsPerSecond });
  // Its own connections: a health check must not wait behind calls to a cluster that hangs.
  const prober = createKubeClient({ access, userAgent, maxAttempts: 1, maxConnections: 4 });
  const stop = new AbortController();
  let health = unknownHealth;
  const probing = followHealth(prober, {
    everyMs: options.probeEveryMs,
    signal: stop.signal,
    onHealth: (seen) => {
      if (seen.reachable !== health.reachable) {
        const facts = { cluster: name, reachable: seen.reachable, trouble: seen.trouble?.message };
        if (seen.reachable === false) log.warn(facts, "a cluster can't be reached");
        else log.info(facts, "a cluster is reached");
      }
      const isReached = seen.reachable === true && health.reachable !== true;
      health = seen;
      if (isReached) options.onReached?.();
    },
  }).catch((error: unknown) =>
    log.error({ err: error, cluster: name }, "the health of a cluster is no longer looked at"),
  );
  const nodeCache = startWatchCache({ client, resource: nodes, project: nodeState, onChange: options.onNode });
  const podCache = startWatchCache({
    client,
    resource: pods,
    labelSelector: instanceLabel,
    project: (pod) => ({ ...podState(pod), ...seenObject(pod) }),
    onChange: options.onPod,
  });
  const others = followOtherPods(client, { ownLabel: instanceLabel, onChange: options.onOthers });
  const statefulSetCache = startWatchCache({
    client,
    resource: statefulSets,
    labelSelector: instanceLabel,
    project: seenObject,
    onChange: options.onStatefulSet,
  });
  const namespaceCache = startWatchCache({
    client,
    resource: namespaces,
    project: ({ metadata }) => ({
      deleting: metadata.deletionTimestamp !== undefined,
      labels: metadata.labels ?? {},
    }),
    onChange: options.onNamespace,
  });
  return {
    name,
    client,
    nodes: nodeCache,
    pods: podCache,
    others,
    statefulSets: statefulSetCache,
    namespaces: namespaceCache,
    health: () => health,
    useToken: (renewed) => {
      token = renewed;
    },
    close: async () => {
      stop.abort();
      prober.close();
      await Promise.all([
        ...[nodeCache, podCache, statefulSetCache, namespaceCache].map((cache) => cache.close()),
        others.close(),
        probing,
      ]);
      client.close();
    },
  };
}

/** Who owns which field is not looked at, and is the half of an object. */
function seenObject(object: KubeObject): SeenObject {
  const { managedFields: _unused, ...metadata } = object.metadata as typeof object.metadata & {
    managedFields?: unknown;
  };
  return { text: JSON.stringify({ ...object, metadata }) };
}
