import type { LogFolder } from "../log-folders.ts";

/** What the agent keeps of a pod that is bound to its node. */
export type PodFacts = Readonly<{
  namespace: string;
  name: string;
  uid: string;
  /** A static pod's own id; its mirror in the API server has another UID (kubernetes.io/config.hash). */
  configHash: string | null;
  /** The text of `wcs.io/network`; null when the pod has none. */
  network: string | null;
  /** The folder for its logs that it mounts from the host; null when it mounts none. */
  logFolder: LogFolder | null;
  /** Its containers are over or are being ended. */
  ended: boolean;
}>;

/** What a host knows of its own pods and of its grant, from a watch and from the copy on its disk. */
export type HostView = Readonly<{
  pod: (namespace: string, name: string) => PodFacts | undefined;
  podByUid: (uid: string) => PodFacts | undefined;
  pods: () => readonly PodFacts[];
  /** The text of the Node's `wcs.io/dynamic-block`; null when nothing is granted. */
  grant: () => string | null;
  /** The text of the Node's `wcs.io/fence`; null when nothing was moved away. */
  fence: () => string | null;
  /** Whether anything was ever known: from the disk, or from the cluster. */
  known: () => boolean;
  /** Whether the cluster's own word is behind it since this process started. */
  synced: () => boolean;
  /** The pod as soon as `uid` is known, or undefined after `timeoutMs`. */
  waitForPod: (
    wanted: Readonly<{ namespace: string; name: string; uid: string | null }>,
    timeoutMs: number,
  ) => Promise<PodFacts | undefined>;
}>;

export type ViewContent = Readonly<{ pods: readonly PodFacts[]; grant: string | null; fence: string | null }>;

/** The side of a view that a source of pods writes. */
export type ViewInput = Readonly<{
  /** All that there is; what is not in it is gone. */
  replace: (content: ViewContent) => void;
  upsert: (pod: PodFacts) => void;
  remove: (namespace: string, name: string) => void;
  /** What the Node says of itself. */
  setNode: (node: Pick<ViewContent, "grant" | "fence">) => void;
  setSynced: (synced: boolean) => void;
}>;

const keyOf = (namespace: string, name: string) => `${namespace}/${name}`;
const isPod = (pod: PodFacts, uid: string | null) => uid === null || pod.uid === uid || pod.configHash === uid;

/** An empty view. `onChange` is called after every change. */
export function createHostView(onChange: () => void): {
  view: HostView;
  input: ViewInput;
  content: () => ViewContent;
} {
  const pods = new Map<string, PodFacts>();
  const waiters = new Set<() => void>();
  let grant: string | null = null;
  let fence: string | null = null;
  let known = false;
  let synced = false;
  const changed = () => {
    known = true;
    for (const wake of waiters) wake();
    onChange();
  };
  const view: HostView = {
    pod: (namespace, name) => pods.get(keyOf(namespace, name)),
    podByUid: (uid) => [...pods.values()].find((pod) => isPod(pod, uid)),
    pods: () => [...pods.values()],
    grant: () => grant,
    fence: () => fence,
    known: () => known,
    synced: () => synced,
    waitForPod: ({ namespace, name, uid }, timeoutMs) => {
      const find = () => {
        const pod = pods.get(keyOf(namespace, name));
        return pod && isPod(pod, uid) ? pod : undefined;
      };
      const now = find();
      if (now) return Promise.resolve(now);
      return new Promise((resolve) => {
        const done = (pod: PodFacts | undefined) => {
          clearTimeout(timer);
          waiters.delete(wake);
          resolve(pod);
        };
        const timer = setTimeout(() => done(undefined), timeoutMs);
        const wake = () => {
          const pod = find();
          if (pod) done(pod);
        };
        waiters.add(wake);
      });
    },
  };
  const input: ViewInput = {
    replace: (content) => {
      pods.clear();
      for (const pod of content.pods) pods.set(keyOf(pod.namespace, pod.name), pod);
      ({ grant, fence } = content);
      changed();
    },
    upsert: (pod) => {
      pods.set(keyOf(pod.namespace, pod.name), pod);
      changed();
    },
    remove: (namespace, name) => {
      pods.delete(keyOf(namespace, name));
      changed();
    },
    setNode: (node) => {
      ({ grant, fence } = node);
      changed();
    },
    setSynced: (value) => {
      synced = value;
      onChange();
    },
  };
  return { view, input, content: () => ({ pods: [...pods.values()], grant, fence }) };
}
