/** What WCS keeps of a StatefulSet that it sees on a cluster. */
export type LiveStatefulSet = Readonly<{
  uid: string;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  spec: unknown;
}>;

/** What WCS keeps of an instance's pod. */
export type LivePod = Readonly<{
  uid: string;
  resourceVersion: string;
  hostName: string | null;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  spec: unknown;
  deleting: boolean;
  scheduled: boolean;
  unscheduledMessage: string | null;
  /** The host would not take the pod (admission by kubelet). */
  refused: boolean;
  running: boolean;
  ready: boolean;
  /** The runtime's id of its container, the present one or the last. */
  containerId: string | null;
  /** Since when it and its present container have been Ready, in milliseconds of the Unix epoch by the cluster's clock; null when it is not. */
  readySinceMs: number | null;
  everReady: boolean;
  restarts: number;
  /** The image digest that the container runtime reports to run, `sha256:…`. */
  runningDigest: string | null;
  waitingReason: string | null;
  waitingMessage: string | null;
  /** Why its host does not give it the CPU and memory that it is to have by now; null when it does, or is about to. */
  resizeProblem: string | null;
  lastExit: Readonly<{ code: number; reason: string }> | null;
}>;
