import { libcCalls } from "./libc.ts";
import type { Message } from "./message.ts";
import { inNamespace, openNamespaceFile } from "./namespace.ts";
import { NetlinkError } from "./netlink-error.ts";
import {
  awaitAcknowledgement,
  closeNetlinkSocket,
  dump,
  netlinkProtocols,
  openNetlinkSocket,
  sendBytes,
  transact,
  type NetlinkRequest,
  type NetlinkSocket,
} from "./netlink-socket.ts";
import { openPacketSocket } from "./packet-socket.ts";
import { encodeSetTransaction, type SetElements } from "./set-elements.ts";

type Sockets = { fd: number; route: NetlinkSocket; netfilter: NetlinkSocket | null };

/**
 * Namespaces that are held open, each with its sockets. All is synchronous: the kernel works a request off inside sendmsg(2),
 * in tens of microseconds, which is less than a trip to another thread costs.
 */
export type NamespaceSockets = Readonly<{
  open: (path: string) => { id: number; fd: number };
  close: (id: number) => void;
  /** Runs requests one after another and stops at the first that fails. */
  run: (steps: readonly Readonly<{ id: number; request: NetlinkRequest }>[]) => Message[][];
  dump: (id: number, request: NetlinkRequest) => Message[];
  changeSets: (id: number, action: "add" | "remove", changes: readonly SetElements[]) => void;
  /** A packet socket that hears nothing, for sending out of a link; the caller closes it. */
  openSender: (id: number, linkIndex: number) => number;
  /** A route socket of its own. */
  lend: (id: number) => NetlinkSocket;
  closeAll: () => void;
}>;

export function createNamespaceSockets(): NamespaceSockets {
  const namespaces = new Map<number, Sockets>();
  let nextId = 1;
  const of = (id: number): Sockets => {
    const found = namespaces.get(id);
    if (!found) throw new NetlinkError({ operation: `use namespace ${id}`, code: "EBADF", detail: "it is not open" });
    return found;
  };
  const close = (id: number) => {
    const { fd, route, netfilter } = of(id);
    namespaces.delete(id);
    closeNetlinkSocket(route);
    if (netfilter) closeNetlinkSocket(netfilter);
    libcCalls.close(fd);
  };
  return {
    open: (path) => {
      const fd = openNamespaceFile(path);
      try {
        const route = inNamespace(fd, () => openNetlinkSocket(netlinkProtocols.route));
        const id = nextId++;
        namespaces.set(id, { fd, route, netfilter: null });
        return { id, fd };
      } catch (error) {
        libcCalls.close(fd);
        throw error;
      }
    },
    close,
    run: (steps) => steps.map(({ id, request }) => transact(of(id).route, request)),
    dump: (id, request) => dump(of(id).route, request),
    changeSets: (id, action, changes) => {
      const space = of(id);
      space.netfilter ??= inNamespace(space.fd, () => openNetlinkSocket(netlinkProtocols.netfilter));
      const socket = space.netfilter;
      const first = socket.sequence + 1;
      const { bytes, sequences } = encodeSetTransaction(action, changes, first);
      socket.sequence = first + changes.length + 1;
      const operation = `${action} elements of ${changes.map(({ set }) => set).join(", ")}`;
      sendBytes(socket, operation, bytes);
      for (const sequence of sequences) awaitAcknowledgement(socket, operation, sequence);
    },
    openSender: (id, linkIndex) => inNamespace(of(id).fd, () => openPacketSocket(0, linkIndex)),
    lend: (id) => inNamespace(of(id).fd, () => openNetlinkSocket(netlinkProtocols.route)),
    closeAll: () => {
      for (const id of namespaces.keys()) close(id);
    },
  };
}
