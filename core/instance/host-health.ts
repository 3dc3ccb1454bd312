/** What is seen of a host: its Node as its cluster has it. */
export type HostFacts = Readonly<{
  /** For how long the cluster has answered without a gap; null while it does not: what it said last says nothing about now. */
  clusterAnswersForMs: number | null;
  /** Null when the cluster has no such Node. `silent`: the node controller has heard nothing of its kubelet for its grace time. */
  node: Readonly<{ ready: boolean; silent: boolean; reason: string | null }> | null;
}>;

export type HostHealth = Readonly<{ state: "up" | "unhealthy" | "lost" | "unknown"; reason: string }>;

/**
 * A cluster that was away has heard of no kubelet meanwhile, and calls them all silent when it is back. Each renews its lease every 10 s
 * (Kubernetes 1.35, nodeLeaseDurationSeconds 40): after twice that who is still silent is silent.
 */
const settledMs = 20_000;

/**
 * Up, unhealthy (its kubelet speaks and reports trouble: its instances are judged by their own pods), lost (silent, or its Node is gone) or
 * unknown (its cluster is away: silence then says nothing about the host). The node controller calls a kubelet silent after 50 s
 * (Kubernetes 1.35, --node-monitor-grace-period), so that a loss shows within a minute.
 */
export function hostHealth({ clusterAnswersForMs, node }: HostFacts): HostHealth {
  if (clusterAnswersForMs === null) return { state: "unknown", reason: "its cluster does not answer" };
  if (node === null) return { state: "lost", reason: "its Node object is gone from the cluster" };
  if (node.ready) return { state: "up", reason: "its kubelet says it is ready" };
  const reason = node.reason ?? "its Node is not ready";
  if (node.silent && clusterAnswersForMs < settledMs) {
    return {
      state: "unknown",
      reason: "its cluster has only just answered again: the silence may have been the cluster's",
    };
  }
  return node.silent ? { state: "lost", reason } : { state: "unhealthy", reason };
}
