/** What WCS knows of a host, with the times by WCS's own clock, so that a host with a wrong clock is not taken for lost. */
export type HostFacts = Readonly<{
  nowMs: number;
  /** Since when its cluster has answered without a gap; null while it does not. A silence can only be seen while it does. */
  clusterAnswersSinceMs: number | null;
  /** When WCS last saw the host's lease change, or first saw the host; null when the cluster has no such Node. */
  leaseChangedAtMs: number | null;
  /** The Ready condition of the Node. */
  ready: "True" | "False" | "Unknown";
  readyMessage: string;
}>;

export type HostHealth = Readonly<{ state: "up" | "unhealthy" | "lost" | "unknown"; reason: string }>;

/**
 * kubelet renews its lease every 10 s and the node controller waits 50 s (Kubernetes: node-monitor-grace-period); four missed renewals
 * and the time to notice them stay under the minute within which an instance has to show as lost.
 */
export const leaseSilenceMs = 40_000;

/**
 * Up, unhealthy (its kubelet speaks and reports trouble: its instances are judged by their own pods), lost (silent, or its Node is gone) or
 * unknown (its cluster is away: silence then says nothing about the host).
 */
export function hostHealth(facts: HostFacts): HostHealth {
  if (facts.clusterAnswersSinceMs === null) return { state: "unknown", reason: "its cluster does not answer" };
  if (facts.leaseChangedAtMs === null) return { state: "lost", reason: "its Node object is gone from the cluster" };
  const silentMs = facts.nowMs - Math.max(facts.leaseChangedAtMs, facts.clusterAnswersSinceMs);
  if (silentMs > leaseSilenceMs) {
    return { state: "lost", reason: `its kubelet has not renewed its lease for ${Math.floor(silentMs / 1000)} s` };
  }
  if (facts.ready === "False") return { state: "unhealthy", reason: facts.readyMessage };
  if (facts.ready === "Unknown") return { state: "unhealthy", reason: "the cluster waits for its kubelet's report" };
  return { state: "up", reason: "its kubelet renews its lease" };
}
