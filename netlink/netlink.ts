import { writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { decodeAddress, listAddressesRequest, type Address } from "./address.ts";
import { createNamespaceSockets } from "./namespace-sockets.ts";
import { closeOnPool, lastErrno, libcCalls } from "./libc.ts";
import { decodeLink, getLinkRequest, linkTypes, listLinksRequest, type Link, type LinkTarget } from "./link.ts";
import type { Message } from "./message.ts";
import { decodeNeighbour, listNeighboursRequest, type FoundNeighbour } from "./neighbour.ts";
import { errnoName, NetlinkError } from "./netlink-error.ts";
import { createLinkRemovals } from "./link-removals.ts";
import type { NetlinkRequest } from "./netlink-socket.ts";
import { sendFrame } from "./packet-socket.ts";
import type { ProbeArgs, WorkerCalls, WorkerReply } from "./protocol.ts";
import { decodeRoute, listRoutesRequest, type FoundRoute } from "./route.ts";
import { decodeRule, listRulesRequest, type FoundRule } from "./rule.ts";
import type { SetElements } from "./set-elements.ts";

/** A network namespace that is held open. `fd` names it in requests of other namespaces (`peer.namespaceFd`). */
export type Namespace = Readonly<{ id: number; fd: number; path: string }>;

/** What happened to a link; `overrun` says that events were lost and that the reader must look for itself. */
export type LinkEvent =
  | Readonly<{ kind: "changed" | "removed"; link: Link; bridgePort: boolean }>
  | Readonly<{ kind: "overrun" }>;

type Family = "inet" | "inet6";
type ListRoutes = Readonly<{ family?: Family; table?: number }>;

/** The kernel's network configuration. Every method rejects with a `NetlinkError`. */
export type Netlink = Readonly<{
  openNamespace: (path: string) => Promise<Namespace>;
  closeNamespace: (namespace: Namespace) => Promise<void>;
  /** Runs requests in their order; stops at the first that the kernel refuses. */
  run: (steps: readonly (readonly [Namespace, NetlinkRequest])[]) => Promise<Message[][]>;
  getLink: (namespace: Namespace, target: LinkTarget) => Promise<Link>;
  /** As `getLink`, with null for a link that is not there. */
  findLink: (namespace: Namespace, target: LinkTarget) => Promise<Link | null>;
  listLinks: (namespace: Namespace, filter?: Readonly<{ masterIndex?: number }>) => Promise<Link[]>;
  listAddresses: (namespace: Namespace, linkIndex?: number) => Promise<Address[]>;
  listRoutes: (namespace: Namespace, filter?: ListRoutes) => Promise<FoundRoute[]>;
  listRules: (namespace: Namespace, family?: Family) => Promise<FoundRule[]>;
  listNeighbours: (namespace: Namespace, family?: Family | "bridge") => Promise<FoundNeighbour[]>;
  /**
   * Removes a link, and with a veth its other end. Resolves when the kernel has taken it out of sight in every namespace
   * (about 1 ms); the kernel frees it after RCU waits of its own (about 17 ms more), which nobody can see. A link that is
   * not there is no error.
   */
  removeLink: (namespace: Namespace, linkIndex: number) => Promise<void>;
  addElements: (namespace: Namespace, changes: readonly SetElements[]) => Promise<void>;
  removeElements: (namespace: Namespace, changes: readonly SetElements[]) => Promise<void>;
  /** Asks by ARP who has an address; null when nobody answered within `waitMs`. */
  probe: (namespace: Namespace, probe: Omit<ProbeArgs, "namespaceFd">) => Promise<{ mac: string } | null>;
  /** Opens a way out of a link for whole Ethernet frames; it outlives `closeNamespace`. */
  openSender: (namespace: Namespace, linkIndex: number) => FrameSender;
  /** Calls `listener` for every change of a link until the returned function is called. */
  watchLinks: (namespace: Namespace, listener: (event: LinkEvent) => void) => Promise<() => Promise<void>>;
  close: () => Promise<void>;
}>;

/**
 * Sends whole Ethernet frames out of one link. It holds neither the link nor its name, but keeps the namespace alive until `close`.
 * `send` throws a `NetlinkError`: ENXIO once the link is gone, ENETDOWN while it is down.
 */
export type FrameSender = Readonly<{ send: (frames: readonly Buffer[]) => void; close: () => void }>;

type Waiting = { resolve: (result: unknown) => void; reject: (error: Error) => void };

const EFD_CLOEXEC = 0o2000000;
/** RTNLGRP_LINK */
const linkGroup = 1;

/**
 * Opens the kernel's network configuration. Requests run in the caller's thread; a worker thread waits for ARP answers and events.
 * The process can end only after `close`.
 */
export function openNetlink(): Netlink {
  const wakeFd = libcCalls.eventfd(0, EFD_CLOEXEC);
  if (wakeFd === -1) throw new NetlinkError({ operation: "eventfd", code: errnoName(lastErrno()) });
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    workerData: { wakeFd },
    resourceLimits: { maxOldGenerationSizeMb: 12, maxYoungGenerationSizeMb: 1 },
  });
  const waiting = new Map<number, Waiting>();
  const listeners = new Map<number, (messages: Message[] | null) => void>();
  const one = Buffer.alloc(8);
  one.writeBigUInt64LE(1n);
  let nextCall = 1;
  let ended: Error | null = null;

  const end = (error: Error) => {
    ended ??= error;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  worker.on("error", end);
  worker.on("exit", () => end(new NetlinkError({ operation: "netlink worker", code: "ESHUTDOWN" })));
  worker.on("message", (message: WorkerReply) => {
    if (!("call" in message)) return listeners.get(message.subscription)?.(message.messages?.map(withBuffer) ?? null);
    const waiter = waiting.get(message.call);
    waiting.delete(message.call);
    if (message.ok) waiter?.resolve(message.result);
    else waiter?.reject(new NetlinkError(message.problem));
  });
  const post = (message: unknown) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    worker.postMessage(message);
    writeSync(wakeFd, one);
  };
  function call<K extends keyof WorkerCalls>(name: K, args: WorkerCalls[K]["args"]): Promise<WorkerCalls[K]["result"]> {
    if (ended) return Promise.reject(ended);
    return new Promise((resolve, reject) => {
      const number = nextCall++;
      waiting.set(number, { resolve: resolve as (result: unknown) => void, reject });
      post({ call: number, name, args });
    });
  }
  const sockets = createNamespaceSockets();
  const watched = new Set<number>();
  const run = (steps: readonly (readonly [Namespace, NetlinkRequest])[]) =>
    sockets.run(steps.map(([{ id }, request]) => ({ id, request })));
  const dumpOf = <T>({ id }: Namespace, request: NetlinkRequest, decode: (message: Message) => T) =>
    sockets.dump(id, request).map(decode);
  const getLink = (namespace: Namespace, target: LinkTarget): Link => {
    const [[message] = []] = run([[namespace, getLinkRequest(target)]]);
    if (!message) throw new NetlinkError({ operation: "get link", code: "ENODEV" });
    return decodeLink(message);
  };

  const watchLinks: Netlink["watchLinks"] = async ({ fd }, listener) => {
    const { subscription } = await call("subscribe", { namespaceFd: fd, groups: [linkGroup] });
    listeners.set(subscription, (messages) => {
      if (messages === null) return listener({ kind: "overrun" });
      for (const message of messages) {
        const event = linkEvent(message);
        if (event) listener(event);
      }
    });
    return async () => {
      listeners.delete(subscription);
      await call("unsubscribe", { subscription });
    };
  };
  const removals = createLinkRemovals({ lend: ({ id }) => sockets.lend(id), watchLinks });

  return {
    openNamespace: async (path) => ({ ...sockets.open(path), path }),
    closeNamespace: async (namespace) => {
      await removals.forget(namespace);
      if (watched.delete(namespace.fd)) await call("forget", { namespaceFd: namespace.fd });
      sockets.close(namespace.id);
    },
    run: async (steps) => run(steps),
    getLink: async (namespace, target) => getLink(namespace, target),
    findLink: async (namespace, target) => {
      try {
        return getLink(namespace, target);
      } catch (error) {
        if (error instanceof NetlinkError && error.code === "ENODEV") return null;
        throw error;
      }
    },
    listLinks: async (namespace, filter) => dumpOf(namespace, listLinksRequest(filter), decodeLink),
    listAddresses: async (namespace, linkIndex) => dumpOf(namespace, listAddressesRequest(linkIndex), decodeAddress),
    listRoutes: async (namespace, filter) => dumpOf(namespace, listRoutesRequest(filter), decodeRoute),
    listRules: async (namespace, family) => dumpOf(namespace, listRulesRequest(family), decodeRule),
    listNeighbours: async (namespace, family) => dumpOf(namespace, listNeighboursRequest(family), decodeNeighbour),
    removeLink: removals.remove,
    addElements: async ({ id }, changes) => sockets.changeSets(id, "add", changes),
    removeElements: async ({ id }, changes) => sockets.changeSets(id, "remove", changes),
    probe: ({ fd }, probe) => {
      watched.add(fd);
      return call("probe", { ...probe, namespaceFd: fd });
    },
    openSender: ({ id }, linkIndex) => {
      const fd = sockets.openSender(id, linkIndex);
      let open = true;
      return {
        send: (frames) => {
          for (const frame of frames) sendFrame(fd, linkIndex, frame);
        },
        close: () => {
          // Closing waits for an RCU grace period; nobody else needs to. A second close would end somebody else's descriptor.
          if (open) void closeOnPool(fd);
          open = false;
        },
      };
    },
    watchLinks,
    close: async () => {
      await removals.close();
      const exited = new Promise((resolve) => worker.once("exit", resolve));
      if (!ended) {
        post("stop");
        await exited;
      }
      sockets.closeAll();
      libcCalls.close(wakeFd);
    },
  };
}

/** A structured clone turns a Buffer into a Uint8Array. */
function withBuffer(message: Message): Message {
  const { buffer, byteOffset, byteLength } = message.body as Uint8Array;
  return { ...message, body: Buffer.from(buffer, byteOffset, byteLength) };
}

function linkEvent(message: Message): LinkEvent | null {
  if (message.type !== linkTypes.add && message.type !== linkTypes.remove) return null;
  const bridgePort = message.body[0] === 7;
  return { kind: message.type === linkTypes.add ? "changed" : "removed", link: decodeLink(message), bridgePort };
}
