import type { LivePod } from "./live-objects.ts";

/** The annotation on a pod that says which container an image patched in place replaces, and how often it had restarted by then. */
export const replacesAnnotationName = "wcs.io/replaces";

/** The annotation's text for a pod whose image is about to be patched. */
export function replacesAnnotation(pod: LivePod): string {
  return `${pod.restarts} ${pod.containerId ?? ""}`.trimEnd();
}

/**
 * What is of the present image of a pod: whether its container is (kubelet takes its time to stop the old one, and says Ready meanwhile), and
 * how often that has restarted.
 */
export function presentContainer(pod: LivePod): Readonly<{ isPresent: boolean; restarts: number }> {
  const text = pod.annotations[replacesAnnotationName];
  if (text === undefined) return { isPresent: true, restarts: pod.restarts };
  const [restarts = "0", ...id] = text.split(" ");
  // The restart that brings the new image counts as one.
  const since = Math.max(0, pod.restarts - Number(restarts) - 1);
  return { isPresent: pod.containerId !== null && pod.containerId !== id.join(" "), restarts: since };
}
