// The thread that talks to the kernel. It waits in poll(2) for requests (an eventfd that the main thread writes to), answers
// to probes, and events, so that none of them waits for a timer, and no call to the kernel ever blocks the main thread.
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { arpProbe, claimsAddress, etherTypes, parseArp } from "./arp.ts";
import { libcCalls } from "./libc.ts";
import { inNamespace, openNamespaceFile } from "./namespace.ts";
import { NetlinkError } from "./netlink-error.ts";
import {
  awaitAcknowledgement,
  closeNetlinkSocket,
  dump,
  netlinkProtocols,
  openNetlinkSocket,
  receiveDatagram,
  sendBytes,
  transact,
  type NetlinkSocket,
} from "./netlink-socket.ts";
import { openPacketSocket, receiveFrame, sendFrame } from "./packet-socket.ts";
import type { ProbeArgs, WorkerCalls, WorkerProblem, WorkerReply, WorkerRequest } from "./protocol.ts";
import { encodeSetTransaction } from "./set-elements.ts";

type OpenNamespace = {
  fd: number;
  route: NetlinkSocket;
  netfilter: NetlinkSocket | null;
  listeners: Map<number, number>;
};
type Probe = ProbeArgs & { call: number; startedMs: number; sent: number; socket: number };

const port = parentPort;
if (port === null) throw new Error("netlink/worker.ts runs as a worker thread only");
const { wakeFd } = workerData as { wakeFd: number };

const namespaces = new Map<number, OpenNamespace>();
const subscriptions = new Map<number, NetlinkSocket>();
const probes = new Set<Probe>();
let nextId = 1;

const MSG_DONTWAIT = 0x40;
const POLLIN = 1;
const nowMs = () => performance.now();
const reply = (message: WorkerReply) => port.postMessage(message);

function namespaceOf(id: number): OpenNamespace {
  const found = namespaces.get(id);
  if (!found) throw new NetlinkError({ operation: `use namespace ${id}`, code: "EBADF", detail: "it is not open" });
  return found;
}

const handlers: {
  [K in Exclude<keyof WorkerCalls, "probe">]: (args: WorkerCalls[K]["args"]) => WorkerCalls[K]["result"];
} = {
  openNamespace({ path }) {
    const fd = openNamespaceFile(path);
    try {
      const route = inNamespace(fd, () => openNetlinkSocket(netlinkProtocols.route));
      const id = nextId++;
      namespaces.set(id, { fd, route, netfilter: null, listeners: new Map() });
      return { id, fd };
    } catch (error) {
      libcCalls.close(fd);
      throw error;
    }
  },
  closeNamespace({ id }) {
    const space = namespaceOf(id);
    namespaces.delete(id);
    closeNetlinkSocket(space.route);
    if (space.netfilter) closeNetlinkSocket(space.netfilter);
    for (const socket of space.listeners.values()) libcCalls.close(socket);
    libcCalls.close(space.fd);
    return null;
  },
  transact: ({ steps }) =>
    steps.map(({ id, request }) => transact(namespaceOf(id).route, { ...request, body: Buffer.from(request.body) })),
  dump: ({ id, request }) => dump(namespaceOf(id).route, { ...request, body: Buffer.from(request.body) }),
  changeSets({ id, action, changes }) {
    const space = namespaceOf(id);
    space.netfilter ??= inNamespace(space.fd, () => openNetlinkSocket(netlinkProtocols.netfilter));
    const socket = space.netfilter;
    const first = socket.sequence + 1;
    const buffers = changes.map((change) => ({ ...change, keys: change.keys.map((key) => Buffer.from(key)) }));
    const { bytes, sequences } = encodeSetTransaction(action, buffers, first);
    socket.sequence = first + changes.length + 1;
    const operation = `${action} elements of ${changes.map(({ set }) => set).join(", ")}`;
    sendBytes(socket, operation, bytes);
    for (const sequence of sequences) awaitAcknowledgement(socket, operation, sequence);
    return null;
  },
  sendFrames({ id, linkIndex, frames }) {
    const fd = inNamespace(namespaceOf(id).fd, () => openPacketSocket(0, linkIndex));
    try {
      for (const frame of frames) sendFrame(fd, linkIndex, Buffer.from(frame));
    } catch (error) {
      libcCalls.close(fd);
      throw error;
    }
    return { fd };
  },
  subscribe({ id, groups }) {
    const socket = inNamespace(namespaceOf(id).fd, () => openNetlinkSocket(netlinkProtocols.route, groups));
    const subscription = nextId++;
    subscriptions.set(subscription, socket);
    return { subscription };
  },
  unsubscribe({ subscription }) {
    const socket = subscriptions.get(subscription);
    subscriptions.delete(subscription);
    if (socket) closeNetlinkSocket(socket);
    return null;
  },
  lendSocket: ({ id }) => ({ fd: inNamespace(namespaceOf(id).fd, () => openNetlinkSocket(netlinkProtocols.route)).fd }),
};

function problemOf(error: unknown): WorkerProblem {
  if (error instanceof NetlinkError) {
    const { message, operation, code, detail } = error;
    return { message, operation, code, detail };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { message, operation: "netlink", code: "EINVAL", detail: message };
}

function startProbe(call: number, args: ProbeArgs): void {
  const space = namespaceOf(args.id);
  let socket = space.listeners.get(args.linkIndex);
  if (socket === undefined) {
    socket = inNamespace(space.fd, () => openPacketSocket(etherTypes.arp, args.linkIndex));
    space.listeners.set(args.linkIndex, socket);
  }
  const probe: Probe = { ...args, call, startedMs: nowMs(), sent: 0, socket };
  sendFrame(socket, args.linkIndex, arpProbe(args.fromMac, args.ip));
  probe.sent = 1;
  probes.add(probe);
}

/** When a probe next has something to do, in ms of the monotonic clock. */
function nextActMs(probe: Probe): number {
  return probe.startedMs + (probe.waitMs * probe.sent) / probe.attempts;
}

function advanceProbes(): void {
  const now = nowMs();
  for (const probe of probes) {
    if (nextActMs(probe) > now) continue;
    try {
      if (probe.sent >= probe.attempts) {
        probes.delete(probe);
        reply({ call: probe.call, ok: true, result: null });
      } else {
        sendFrame(probe.socket, probe.linkIndex, arpProbe(probe.fromMac, probe.ip));
        probe.sent += 1;
      }
    } catch (error) {
      probes.delete(probe);
      reply({ call: probe.call, ok: false, problem: problemOf(error) });
    }
  }
}

/** A listener that fails (its link is gone) takes its probes with it; the next probe opens a new one. */
function hear(socket: number): void {
  try {
    readClaims(socket);
  } catch (error) {
    for (const { listeners } of namespaces.values()) {
      for (const [linkIndex, listener] of listeners) if (listener === socket) listeners.delete(linkIndex);
    }
    libcCalls.close(socket);
    for (const probe of probes) {
      if (probe.socket !== socket) continue;
      probes.delete(probe);
      reply({ call: probe.call, ok: false, problem: problemOf(error) });
    }
  }
}

function readClaims(socket: number): void {
  for (let frame = receiveFrame(socket); frame !== null; frame = receiveFrame(socket)) {
    const packet = parseArp(frame);
    if (!packet) continue;
    for (const probe of probes) {
      if (probe.socket !== socket || !claimsAddress(packet, probe)) continue;
      probes.delete(probe);
      reply({ call: probe.call, ok: true, result: { mac: packet.senderMac } });
    }
  }
}

function answer(request: WorkerRequest): void {
  try {
    if (request.name === "probe") startProbe(request.call, request.args);
    else {
      const handler = handlers[request.name] as (args: unknown) => unknown;
      reply({ call: request.call, ok: true, result: handler(request.args) });
    }
  } catch (error) {
    reply({ call: request.call, ok: false, problem: problemOf(error) });
  }
}

/** Passes events on; an overrun (ENOBUFS) is told as null, since what was lost can't be known. */
function passEvents(subscription: number, socket: NetlinkSocket): void {
  try {
    for (;;) {
      const messages = receiveDatagram(socket, "receive events", MSG_DONTWAIT);
      if (messages === null) return;
      reply({ subscription, messages });
    }
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    reply({ subscription, messages: null });
  }
}

const wakeCount = Buffer.alloc(8);

function waitForWork(): void {
  const sockets = new Set([...namespaces.values()].flatMap(({ listeners }) => [...listeners.values()]));
  const watched = [wakeFd, ...sockets, ...[...subscriptions.values()].map(({ fd }) => fd)];
  const descriptors = Buffer.alloc(watched.length * 8);
  watched.forEach((fd, index) => {
    descriptors.writeInt32LE(fd, index * 8);
    descriptors.writeInt16LE(POLLIN, index * 8 + 4);
  });
  const next = Math.min(...[...probes].map(nextActMs));
  const timeoutMs = Number.isFinite(next) ? Math.max(0, Math.ceil(next - nowMs())) : -1;
  if (libcCalls.poll(descriptors, watched.length, timeoutMs) <= 0) return;
  const ready = new Set(watched.filter((_, index) => descriptors.readInt16LE(index * 8 + 6) !== 0));
  if (ready.has(wakeFd)) libcCalls.read(wakeFd, wakeCount, wakeCount.length);
  for (const socket of sockets) if (ready.has(socket)) hear(socket);
  for (const [id, socket] of subscriptions) if (ready.has(socket.fd)) passEvents(id, socket);
}

for (let running = true; running;) {
  waitForWork();
  for (let taken = receiveMessageOnPort(port); taken; taken = receiveMessageOnPort(port)) {
    const request = taken.message as WorkerRequest | "stop";
    if (request === "stop") running = false;
    else answer(request);
  }
  advanceProbes();
}
