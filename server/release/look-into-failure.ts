import { text } from "node:stream/consumers";
import { containerName, podName } from "@wcs/core/instance";
import { explainFailure, type FailureReport } from "@wcs/core/release";
import { isKubeError, podLogs, resourceType, type KubeClient, type KubeObject, type ResourceType } from "@wcs/kube";
import { readLiveInstance } from "../instance/live-instance.ts";

type EventObject = KubeObject &
  Readonly<{
    reason?: string;
    message?: string;
    count?: number;
    lastTimestamp?: string | null;
    eventTime?: string | null;
    involvedObject?: Readonly<{ uid?: string }>;
  }>;

const events: ResourceType<EventObject> = resourceType("v1/events", "Event", "namespaced");
/** A cluster that hangs must not hold up what is decided. */
const patienceMs = 10_000;
const logLimit = { tailLines: 20, limitBytes: 64 * 1024 };

/** Why an instance failed, from its cluster: container state, events, the last lines of its log. What cannot be had is said so. */
export async function lookIntoFailure({
  client,
  namespace,
  instance,
  reason,
}: Readonly<{
  client: KubeClient | null;
  namespace: string;
  instance: string;
  reason: string;
}>): Promise<FailureReport> {
  const bare = { instance, reason, exitCode: null, exitReason: null, restarts: 0, events: [], logTail: "" };
  if (client === null) return explainFailure({ ...bare, reason: `${reason}; its cluster does not answer` });
  try {
    const pod = podName(instance);
    const signal = AbortSignal.timeout(patienceMs);
    const [live, found] = await Promise.all([
      readLiveInstance(client, { namespace, instance }, signal),
      client.list(events, { namespace, fieldSelector: `involvedObject.name=${pod}`, signal }),
    ]);
    return explainFailure({
      ...bare,
      exitCode: live.pod?.lastExit?.code ?? null,
      exitReason: live.pod?.lastExit?.reason ?? null,
      restarts: live.pod?.restarts ?? 0,
      events: found.items
        .filter(({ involvedObject }) => live.pod === null || involvedObject?.uid === live.pod.uid)
        .map((event) => ({
          atMs: Date.parse(event.lastTimestamp ?? event.eventTime ?? "") || 0,
          reason: event.reason ?? "",
          message: event.message ?? "",
          count: event.count ?? 1,
        })),
      logTail: live.pod === null ? "" : await logTail(client, { namespace, pod, restarted: live.pod.restarts > 0 }),
    });
  } catch (error) {
    if (!isKubeError(error)) throw error;
    return explainFailure({ ...bare, reason: `${reason}; more could not be read: ${error.message}` });
  }
}

/** The log of the container that ended, or of the one that runs; why there is none otherwise. */
async function logTail(
  client: KubeClient,
  { namespace, pod, restarted }: Readonly<{ namespace: string; pod: string; restarted: boolean }>,
): Promise<string> {
  try {
    return await text(
      await podLogs(client, { namespace, pod, container: containerName, previous: restarted, ...logLimit }),
    );
  } catch (error) {
    if (!isKubeError(error)) throw error;
    return `(no log: ${error.message})`;
  }
}
