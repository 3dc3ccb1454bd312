import { readFileSync } from "node:fs";
import { dynamicBlockAnnotationName, fenceAnnotationName, networkAnnotationName } from "@wcs/core/ipam";
import { createKubeClient, nodes, parseKubeconfig, pods, startWatchCache, type PodObject } from "@wcs/kube";
import type { PodFacts, ViewInput } from "./host-view.ts";

const bareNode = { grant: null, fence: null };

function factsOf(pod: PodObject): PodFacts {
  const { namespace = "", name, uid = "", annotations = {}, deletionTimestamp } = pod.metadata;
  const phase = pod.status?.phase;
  return {
    namespace,
    name,
    uid,
    configHash: annotations["kubernetes.io/config.hash"] ?? null,
    network: annotations[networkAnnotationName] ?? null,
    logFolder: logFolderOf(pod),
    ended: deletionTimestamp !== undefined || phase === "Succeeded" || phase === "Failed",
  };
}

/**
 * An instance's pod mounts its log folder by the claim of the volume `log` (core/instance/pod-spec.ts). Only WCS may write labels under `wcs.io/`,
 * so that nobody can name another's folder.
 */
function logFolderOf({ metadata, spec }: PodObject): PodFacts["logFolder"] {
  const instance = metadata.labels?.["wcs.io/instance"];
  const { volumes = [], securityContext = {} } = (spec ?? {}) as {
    volumes?: readonly Readonly<{ name: string; persistentVolumeClaim?: object }>[];
    securityContext?: Readonly<{ runAsUser?: number; runAsGroup?: number }>;
  };
  const { runAsUser: uid, runAsGroup: gid } = securityContext;
  const mounts = volumes.some(
    ({ name, persistentVolumeClaim }) => name === "log" && persistentVolumeClaim !== undefined,
  );
  return mounts && instance !== undefined && uid !== undefined && gid !== undefined ? { instance, uid, gid } : null;
}

/** Pods that are bound to `node`, and the node's grant, by a watch that comes back whatever breaks. */
export function startKubeSource(
  options: Readonly<{
    kubeconfig: string;
    node: string;
    input: ViewInput;
    log: (line: string) => void;
  }>,
): { close: () => Promise<void> } {
  const { input, node, log } = options;
  const access = parseKubeconfig(readFileSync(options.kubeconfig, "utf8"), {
    readFile: (path) => readFileSync(path, "utf8"),
  });
  const client = createKubeClient({ access, userAgent: "wcs-agent" });
  let whole = false;
  const podCache = startWatchCache({
    client,
    resource: pods,
    fieldSelector: `spec.nodeName=${node}`,
    project: factsOf,
    maxObjects: 2_000,
    onChange: ({ before, after }) => {
      if (after !== undefined) input.upsert(after);
      else if (before !== undefined) input.remove(before.namespace, before.name);
    },
  });
  const nodeCache = startWatchCache({
    client,
    resource: nodes,
    fieldSelector: `metadata.name=${node}`,
    project: ({ metadata: { annotations = {} } }) => ({
      grant: annotations[dynamicBlockAnnotationName] ?? null,
      fence: annotations[fenceAnnotationName] ?? null,
    }),
    onChange: ({ after }) => input.setNode(after ?? bareNode),
  });
  /** Until the first whole list, what the disk said stays; then what is not in the list is gone. */
  const settle = async () => {
    while (!whole) {
      try {
        await Promise.all([podCache.ready(30_000), nodeCache.ready(30_000)]);
        whole = true;
      } catch (error) {
        if (podCache.status().phase === "closed") return;
        log(`pods: the cluster does not answer, going on with the copy on disk: ${String(error)}`);
      }
    }
    input.replace({ pods: [...podCache.entries()].map(([, pod]) => pod), ...(nodeCache.get(node) ?? bareNode) });
    input.setSynced(true);
  };
  const settled = settle();
  return {
    close: async () => {
      await Promise.all([podCache.close(), nodeCache.close()]);
      client.close();
      await settled;
    },
  };
}
