import type { HostHealth } from "./host-health.ts";
import type { InstanceState, InstanceWish } from "./instance-state.ts";
import type { LivePod, LiveStatefulSet } from "./live-objects.ts";

/** What is known of one instance at one moment: the wish, what its cluster shows, and its host's health. */
export type InstanceFacts = Readonly<{
  wish: InstanceWish;
  state: InstanceState;
  /** False when the cluster does not answer: what it showed last says nothing about now. */
  clusterAnswers: boolean;
  statefulSet: LiveStatefulSet | null;
  pod: LivePod | null;
  host: HostHealth;
  /** A move to another host has been decided and is not finished. */
  moving: boolean;
}>;

export type Observation = Readonly<{ state: InstanceState; reason: string }>;

/**
 * The state an instance is in by what is seen of it. Level-triggered: it depends on the facts alone, never on the events between.
 * A cluster that is away changes no state: only its host's silence, seen while the cluster answered, makes an instance lost.
 */
export function observeInstance(facts: InstanceFacts): Observation {
  const { state, wish, pod, statefulSet, host } = facts;
  if (withoutContainer.includes(state)) return { state, reason: "nothing of it is on a cluster yet" };
  if (!facts.clusterAnswers) return { state, reason: "its cluster does not answer; this is what was seen last" };
  if (wish === "retire") {
    if (pod === null && statefulSet === null) return { state: "retired", reason: "its pod and StatefulSet are gone" };
    return { state: "retiring", reason: pod === null ? "its StatefulSet is going" : "its pod is going" };
  }
  if (facts.moving) return { state: "moving", reason: "it is being moved to another host of its rack" };
  if (host.state === "lost") return { state: "lost", reason: host.reason };
  if (wish === "stop") {
    return pod === null
      ? { state: "stopped", reason: "stopped as wished" }
      : { state: "stopping", reason: "its pod is stopping" };
  }
  if (pod === null) {
    return statefulSet === null
      ? { state: "released", reason: "its StatefulSet is not there yet" }
      : { state: "starting", reason: "its pod is not there yet" };
  }
  if (pod.deleting) return { state: "starting", reason: "its pod is stopping and will be made again" };
  if (pod.ready) return { state: "ready", reason: "its pod is Ready" };
  const why = podTrouble(pod);
  const ranBefore = pod.everReady || pod.restarts > 0;
  return { state: ranBefore ? "unready" : "starting", reason: why };
}

const withoutContainer: readonly InstanceState[] = ["requested", "reserved", "delivered", "retired", "cancelled"];

/** Why a pod is not Ready, as its container's state tells it. */
export function podTrouble(pod: LivePod): string {
  if (!pod.scheduled) return pod.unscheduledMessage ?? "its pod has no host yet";
  if (pod.waitingReason !== null) {
    return pod.waitingMessage === null ? pod.waitingReason : `${pod.waitingReason}: ${pod.waitingMessage}`;
  }
  if (pod.lastExit !== null) {
    return `its container ended with exit code ${pod.lastExit.code} (${pod.lastExit.reason}), ${pod.restarts} restarts`;
  }
  return pod.running ? "its container runs and its readiness probe does not pass yet" : "its container is being made";
}
