import type { LivePod } from "./live-objects.ts";
import { podTrouble } from "./observe-instance.ts";
import { presentContainer } from "./replaced-container.ts";

/** Reasons of kubelet about an image that do not mend by waiting (k8s.io/kubernetes pkg/kubelet/images/types.go). */
const imageReasons = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"];
/** And about making the container (pkg/kubelet/kuberuntime/kuberuntime_container.go). */
const containerReasons = ["CreateContainerConfigError", "CreateContainerError", "RunContainerError"];

/** A container that has ended so often keeps ending. */
const restartsOfALoop = 3;

/**
 * Why a pod will not become Ready by waiting; null while it may. `imageDigest` is the one that is meant: what kubelet says of an image before it
 * has not to do with this one.
 */
export function fatalTrouble(pod: LivePod, imageDigest: string): string | null {
  if (pod.deleting) return null;
  if (pod.refused) return podTrouble(pod);
  const { isPresent, restarts } = presentContainer(pod);
  const reason = pod.waitingReason;
  if (reason === null) return null;
  if (imageReasons.includes(reason)) {
    return pod.waitingMessage?.includes("sha256:") === true && !pod.waitingMessage.includes(imageDigest)
      ? null
      : podTrouble(pod);
  }
  if (!isPresent) return null;
  if (containerReasons.includes(reason)) return podTrouble(pod);
  if (reason === "CrashLoopBackOff" && restarts >= restartsOfALoop) {
    const exit = pod.lastExit === null ? "" : ` with exit code ${pod.lastExit.code} (${pod.lastExit.reason})`;
    return `its container keeps ending${exit}, ${restarts} restarts`;
  }
  return null;
}
