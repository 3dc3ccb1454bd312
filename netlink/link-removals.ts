import { closeOnPool, sendOnPool } from "./libc.ts";
import { removeLinkRequest } from "./link.ts";
import { NetlinkError } from "./netlink-error.ts";
import { awaitAcknowledgement, encodeRequest, type NetlinkSocket } from "./netlink-socket.ts";
import type { Namespace, Netlink } from "./netlink.ts";

type Lane = { socket: NetlinkSocket; tail: Promise<void>; queued: number };
type Site = { lanes: readonly Lane[]; gone: Map<number, () => void>; unwatch: () => Promise<void> };

/** How many removals of one namespace wait in the kernel at once: each takes a thread of libuv's pool (4 unless UV_THREADPOOL_SIZE says more; the rest queue there). */
const laneCount = 12;

/**
 * Removing links without waiting for the kernel to free them: the request runs on a thread of the pool, and the event that
 * says "removed" (sent in unregister_netdevice_many, net/core/dev.c, when both ends of a veth are off every list) is the
 * answer.
 */
export function createLinkRemovals({
  lend,
  watchLinks,
}: Readonly<{
  lend: (namespace: Namespace) => NetlinkSocket;
  watchLinks: Netlink["watchLinks"];
}>): {
  remove: Netlink["removeLink"];
  forget: (namespace: Namespace) => Promise<void>;
  close: () => Promise<void>;
} {
  const sites = new Map<number, Promise<Site>>();

  async function openSite(namespace: Namespace): Promise<Site> {
    const gone = new Map<number, () => void>();
    const unwatch = await watchLinks(namespace, (event) => {
      if (event.kind === "removed" && !event.bridgePort) gone.get(event.link.index)?.();
    });
    const lanes = Array.from({ length: laneCount }, (): Lane => ({
      socket: lend(namespace),
      tail: Promise.resolve(),
      queued: 0,
    }));
    return { lanes, gone, unwatch };
  }

  async function closeSite(opening: Promise<Site>): Promise<void> {
    const site = await opening;
    await Promise.all(site.lanes.map(({ tail }) => tail));
    await site.unwatch();
    await Promise.all(site.lanes.map(({ socket }) => closeOnPool(socket.fd)));
  }

  function removeOn(lane: Lane, linkIndex: number): Promise<void> {
    lane.queued += 1;
    const done = lane.tail.then(async () => {
      const request = removeLinkRequest({ index: linkIndex });
      const { bytes, sequence } = encodeRequest(lane.socket, request);
      await sendOnPool(lane.socket.fd, bytes);
      // netlink works a request off inside sendmsg(2), so the answer waits already.
      try {
        awaitAcknowledgement(lane.socket, request.operation, sequence);
      } catch (error) {
        if (!(error instanceof NetlinkError && error.code === "ENODEV")) throw error;
      }
    });
    const settled = () => void (lane.queued -= 1);
    lane.tail = done.then(settled, settled);
    return done;
  }

  return {
    remove: async (namespace, linkIndex) => {
      const opening = sites.get(namespace.id) ?? openSite(namespace);
      sites.set(namespace.id, opening);
      const { lanes, gone } = await opening;
      const lane = lanes.reduce((best, lane) => (lane.queued < best.queued ? lane : best));
      await new Promise<void>((resolve, reject) => {
        gone.set(linkIndex, resolve);
        removeOn(lane, linkIndex).then(resolve, reject);
      }).finally(() => gone.delete(linkIndex));
    },
    forget: async (namespace) => {
      const site = sites.get(namespace.id);
      sites.delete(namespace.id);
      if (site) await closeSite(site);
    },
    close: async () => {
      const open = [...sites.values()];
      sites.clear();
      await Promise.all(open.map(closeSite));
    },
  };
}
