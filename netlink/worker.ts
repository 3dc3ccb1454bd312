// The thread that waits: for answers to ARP probes, and for events. It sits in poll(2), with an eventfd by which the main thread
// wakes it, so that neither waits for a timer and the main thread waits for nobody.
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { arpProbe, claimsAddress, etherTypes, parseArp } from "./arp.ts";
import { libcCalls } from "./libc.ts";
import { inNamespace } from "./namespace.ts";
import { NetlinkError } from "./netlink-error.ts";
import {
  closeNetlinkSocket,
  netlinkProtocols,
  openNetlinkSocket,
  receiveDatagram,
  type NetlinkSocket,
} from "./netlink-socket.ts";
import { openPacketSocket, receiveFrame, sendFrame } from "./packet-socket.ts";
import type { ProbeArgs, WorkerCalls, WorkerProblem, WorkerReply, WorkerRequest } from "./protocol.ts";

type Probe = ProbeArgs & { call: number; startedMs: number; sent: number; socket: number };

const port = parentPort;
if (port === null) throw new Error("netlink/worker.ts runs as a worker thread only");
const { wakeFd } = workerData as { wakeFd: number };

/** ARP sockets by namespace and link: opened by the first probe, since closing one waits for an RCU grace period. */
const listeners = new Map<string, Readonly<{ namespaceFd: number; socket: number }>>();
const subscriptions = new Map<number, NetlinkSocket>();
const probes = new Set<Probe>();
let nextSubscription = 1;

const MSG_DONTWAIT = 0x40;
const POLLIN = 1;
const nowMs = () => performance.now();
const reply = (message: WorkerReply) => port.postMessage(message);

const handlers: {
  [K in Exclude<keyof WorkerCalls, "probe">]: (args: WorkerCalls[K]["args"]) => WorkerCalls[K]["result"];
} = {
  subscribe({ namespaceFd, groups }) {
    const socket = inNamespace(namespaceFd, () => openNetlinkSocket(netlinkProtocols.route, groups));
    const subscription = nextSubscription++;
    subscriptions.set(subscription, socket);
    return { subscription };
  },
  unsubscribe({ subscription }) {
    const socket = subscriptions.get(subscription);
    subscriptions.delete(subscription);
    if (socket) closeNetlinkSocket(socket);
    return null;
  },
  forget({ namespaceFd }) {
    for (const [key, listener] of listeners) {
      if (listener.namespaceFd !== namespaceFd) continue;
      listeners.delete(key);
      libcCalls.close(listener.socket);
    }
    return null;
  },
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
  const { namespaceFd, linkIndex } = args;
  const key = `${namespaceFd} ${linkIndex}`;
  const socket =
    listeners.get(key)?.socket ?? inNamespace(namespaceFd, () => openPacketSocket(etherTypes.arp, linkIndex));
  listeners.set(key, { namespaceFd, socket });
  const probe: Probe = { ...args, call, startedMs: nowMs(), sent: 0, socket };
  sendFrame(socket, linkIndex, arpProbe(args.fromMac, args.ip));
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
    for (const [key, listener] of listeners) if (listener.socket === socket) listeners.delete(key);
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
  const sockets = [...listeners.values()].map(({ socket }) => socket);
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
