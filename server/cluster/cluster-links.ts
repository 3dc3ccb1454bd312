import { setTimeout as sleep } from "node:timers/promises";
import type { NodeState, PodState } from "@wcs/core/cluster";
import type { CacheChange, Credential } from "@wcs/kube";
import { logEnd, type WatchCursor } from "../events/watch-log.ts";
import type { Platform } from "../program/platform.ts";
import { openClusterLink, type ClusterLink, type SeenNamespace, type SeenObject } from "./cluster-link.ts";
import { listConnections } from "./cluster-store.ts";
import { readCredential } from "./credentials.ts";

/** What can be heard of the clusters. Each is told in order, and gives what it needs to a queue. */
export type ClusterListener = Readonly<{
  /** A pod of WCS's. */
  onPod?: (cluster: string, change: CacheChange<PodState>) => void;
  /** A StatefulSet of WCS's. */
  onStatefulSet?: (cluster: string, change: CacheChange<SeenObject>) => void;
  onNode?: (cluster: string, change: CacheChange<NodeState>) => void;
  /** What others request of a node has changed. */
  onOthers?: (cluster: string, node: string) => void;
  onNamespace?: (cluster: string, change: CacheChange<SeenNamespace>) => void;
  /** The cluster answers after it did not. */
  onReached?: (cluster: string) => void;
}>;

/** This server's links with all clusters. */
export type ClusterLinks = Readonly<{
  get: (name: string) => ClusterLink | undefined;
  all: () => IterableIterator<ClusterLink>;
  /** Tells of every change on any cluster; returns what ends that. */
  listen: (listener: ClusterListener) => () => void;
  /** Follows the table of connections until the signal fires, then closes every link. */
  run: (signal: AbortSignal) => Promise<void>;
}>;

export const connectionKind = "ClusterConnection";
const resyncMs = 30_000;
const probeEveryMs = 10_000;

/** `way`: address and CA, whose change takes a new link; a new credential does not. */
type Held = { link: ClusterLink; version: number; way: string };

/** Keeps a link for every connection in the database. */
export function createClusterLinks(platform: Platform): ClusterLinks {
  const { database, secrets, log, logReader } = platform;
  const held = new Map<string, Held>();
  const listeners = new Set<ClusterListener>();

  const tellersOf = (cluster: string) => ({
    onPod: (change: CacheChange<PodState>) => listeners.forEach(({ onPod }) => onPod?.(cluster, change)),
    onStatefulSet: (change: CacheChange<SeenObject>) =>
      listeners.forEach(({ onStatefulSet }) => onStatefulSet?.(cluster, change)),
    onNode: (change: CacheChange<NodeState>) => listeners.forEach(({ onNode }) => onNode?.(cluster, change)),
    onOthers: (node: string) => listeners.forEach(({ onOthers }) => onOthers?.(cluster, node)),
    onNamespace: (change: CacheChange<SeenNamespace>) =>
      listeners.forEach(({ onNamespace }) => onNamespace?.(cluster, change)),
    onReached: () => listeners.forEach(({ onReached }) => onReached?.(cluster)),
  });

  async function sync(): Promise<void> {
    const rows = (await listConnections(database.query)).filter(({ state }) => state === "active");
    const wanted = new Map(rows.map((row) => [row.name, row]));
    const drop = async (name: string) => {
      const dropped = held.get(name);
      held.delete(name);
      await dropped?.link.close();
    };
    for (const name of held.keys()) if (!wanted.has(name)) await drop(name);
    for (const row of rows) {
      if (held.get(row.name)?.version === row.version) continue;
      try {
        const access = await readCredential({ secrets, query: database.query, cluster: row.name }, "platform");
        if (access === null) throw new Error("its credential is missing");
        const { credential, ...rest } = access;
        const way = JSON.stringify(rest);
        if (held.get(row.name)?.way !== way) await drop(row.name);
        const known = held.get(row.name);
        if (known === undefined) {
          const link = openClusterLink({
            name: row.name,
            access,
            log,
            probeEveryMs,
            callsPerSecond: platform.config.clusterCallsPerSecond,
            ...tellersOf(row.name),
          });
          held.set(row.name, { link, version: row.version, way });
        } else {
          known.link.useToken(tokenOf(credential));
          known.version = row.version;
        }
      } catch (error) {
        // One cluster whose credential can't be read must not keep the others from being linked.
        log.error({ err: error, cluster: row.name }, "a cluster can't be linked");
      }
    }
  }

  return {
    get: (name) => held.get(name)?.link,
    all: function* () {
      for (const { link } of held.values()) yield link;
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    run: async (signal) => {
      let nudge = Promise.withResolvers<void>();
      // It has no way to fail but the first look at the log's end; until that, the resync finds what changes.
      const following = (async () => {
        let end: WatchCursor | null = null;
        while (end === null && !signal.aborted) {
          end = await logEnd(database.query).catch((error: unknown) => {
            log.warn({ err: error }, "the watch log can't be read");
            return null;
          });
          if (end === null) await sleep(1000, undefined, { signal }).catch(() => undefined);
        }
        if (end === null) return;
        for await (const changes of logReader.follow(end, signal)) {
          if (changes.some(({ kind }) => kind === connectionKind)) nudge.resolve();
        }
      })();
      while (!signal.aborted) {
        nudge = Promise.withResolvers();
        await sync().catch((error: unknown) => log.warn({ err: error }, "the clusters' connections can't be read"));
        const pause = new AbortController();
        const until = AbortSignal.any([signal, pause.signal]);
        await Promise.race([nudge.promise, sleep(resyncMs, undefined, { signal: until }).catch(() => undefined)]);
        pause.abort();
      }
      await following;
      for (const { link } of held.values()) await link.close();
      held.clear();
    },
  };
}

function tokenOf(credential: Credential): string {
  if (credential.kind !== "token") throw new Error("WCS's own credentials are tokens");
  return typeof credential.token === "string" ? credential.token : credential.token();
}
