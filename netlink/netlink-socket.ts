import { libcCalls, lastErrno } from "./libc.ts";
import {
  controlTypes,
  decodeAcknowledgement,
  decodeMessages,
  encodeMessage,
  messageFlags,
  type Message,
} from "./message.ts";
import { errnoName, NetlinkError } from "./netlink-error.ts";

/** A netlink socket that belongs to the namespace in which it was opened, whatever thread uses it later. */
export type NetlinkSocket = { readonly fd: number; sequence: number };

export type NetlinkRequest = Readonly<{ operation: string; type: number; flags?: number; body: Buffer }>;

export const netlinkProtocols = { route: 0, netfilter: 12 } as const;

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const SOL_NETLINK = 270;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_RCVBUFFORCE = 33;
const MSG_TRUNC = 0x20;
const options = { addMembership: 1, capAck: 10, extAck: 11, strictCheck: 12 } as const;

/** The kernel fills a dump's datagrams up to 32 KiB (netlink_dump in net/netlink/af_netlink.c). */
const receiveBuffer = Buffer.alloc(128 * 1024);
const senderAddress = Buffer.alloc(12);
const senderLength = Buffer.alloc(4);
const answerTimeoutSeconds = 10;
const dumpAttempts = 10;

function option(fd: number, level: number, name: number, value: Buffer): void {
  if (libcCalls.setsockopt(fd, level, name, value, value.length) === -1) {
    throw new NetlinkError({ operation: `setsockopt ${name}`, code: errnoName(lastErrno()) });
  }
}

/** Opens a socket in this thread's present network namespace. `groups` subscribes it to events. */
export function openNetlinkSocket(protocol: number, groups: readonly number[] = []): NetlinkSocket {
  const fd = libcCalls.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol);
  if (fd === -1) throw new NetlinkError({ operation: "socket(AF_NETLINK)", code: errnoName(lastErrno()) });
  // Without an address of its own (all zero: the kernel picks one) a socket counts as the kernel and hears no events.
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK, 0);
  if (libcCalls.bind(fd, address, address.length) === -1) {
    throw new NetlinkError({ operation: "bind(AF_NETLINK)", code: errnoName(lastErrno()) });
  }
  const on = Buffer.from([1, 0, 0, 0]);
  const timeout = Buffer.alloc(16);
  timeout.writeBigInt64LE(BigInt(answerTimeoutSeconds), 0);
  option(fd, SOL_NETLINK, options.capAck, on);
  option(fd, SOL_NETLINK, options.extAck, on);
  option(fd, SOL_SOCKET, SO_RCVTIMEO, timeout);
  if (protocol === netlinkProtocols.route) option(fd, SOL_NETLINK, options.strictCheck, on);
  for (const group of groups) {
    const value = Buffer.alloc(4);
    value.writeUInt32LE(group);
    option(fd, SOL_NETLINK, options.addMembership, value);
  }
  if (groups.length > 0) {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(4 * 1024 * 1024);
    option(fd, SOL_SOCKET, SO_RCVBUFFORCE, size);
  }
  return { fd, sequence: 0 };
}

export function closeNetlinkSocket(socket: NetlinkSocket): void {
  libcCalls.close(socket.fd);
}

/** Receives one datagram from the kernel; what any other process sent is left out. Null when `flags` say not to wait and nothing is there. */
export function receiveDatagram(socket: NetlinkSocket, operation: string, flags = 0): Message[] | null {
  for (;;) {
    senderLength.writeUInt32LE(senderAddress.length);
    const length = libcCalls.recvfrom(
      socket.fd,
      receiveBuffer,
      receiveBuffer.length,
      flags | MSG_TRUNC,
      senderAddress,
      senderLength,
    );
    if (length === -1) {
      const code = errnoName(lastErrno());
      if (code === "EINTR") continue;
      if (code === "EAGAIN" && flags !== 0) return null;
      throw new NetlinkError({
        operation,
        code: code === "EAGAIN" ? "ETIMEDOUT" : code,
        detail: code === "EAGAIN" ? `the kernel gave no answer in ${answerTimeoutSeconds} s` : null,
      });
    }
    if (length > receiveBuffer.length) throw new NetlinkError({ operation, code: "EMSGSIZE", detail: "cut off" });
    if (senderAddress.readUInt32LE(4) !== 0) continue;
    return decodeMessages(Buffer.from(receiveBuffer.subarray(0, length)));
  }
}

/** The bytes of a request that asks for an acknowledgement, with the next sequence number. */
export function encodeRequest(socket: NetlinkSocket, request: NetlinkRequest): { bytes: Buffer; sequence: number } {
  socket.sequence = (socket.sequence + 1) >>> 0 || 1;
  const flags = messageFlags.request | messageFlags.ack | (request.flags ?? 0);
  const { type, body } = request;
  return { bytes: encodeMessage({ type, flags, sequence: socket.sequence, body }), sequence: socket.sequence };
}

/** Sends a whole datagram to the kernel. */
export function sendBytes(socket: NetlinkSocket, operation: string, bytes: Buffer): void {
  for (;;) {
    if (libcCalls.send(socket.fd, bytes, bytes.length, 0) === bytes.length) return;
    const code = errnoName(lastErrno());
    if (code !== "EINTR") throw new NetlinkError({ operation, code });
  }
}

/**
 * Waits for the acknowledgement of one request and returns what came before it. Messages of another sequence number are
 * answers to a request that timed out before, and are left out.
 */
export function awaitAcknowledgement(socket: NetlinkSocket, operation: string, sequence: number): Message[] {
  const answers: Message[] = [];
  for (;;) {
    for (const message of receiveDatagram(socket, operation) ?? []) {
      if (message.sequence !== sequence) continue;
      if (message.type !== controlTypes.error) {
        answers.push(message);
        continue;
      }
      const { errno, code, detail } = decodeAcknowledgement(message);
      if (errno !== 0) throw new NetlinkError({ operation, code, detail });
      return answers;
    }
  }
}

/** Sends a request and waits for the kernel's acknowledgement; what the kernel answered besides is returned. */
export function transact(socket: NetlinkSocket, request: NetlinkRequest): Message[] {
  const { bytes, sequence } = encodeRequest(socket, request);
  sendBytes(socket, request.operation, bytes);
  return awaitAcknowledgement(socket, request.operation, sequence);
}

/**
 * Asks for all objects of a kind. A dump that changes interrupted (NLM_F_DUMP_INTR) or that overran the socket's buffer
 * (ENOBUFS) may lack objects, so it is asked for again.
 */
export function dump(socket: NetlinkSocket, request: NetlinkRequest): Message[] {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return dumpOnce(socket, request);
    } catch (error) {
      const again = error instanceof NetlinkError && (error.code === "EINTR" || error.code === "ENOBUFS");
      if (!again || attempt === dumpAttempts) throw error;
    }
  }
}

function dumpOnce(socket: NetlinkSocket, request: NetlinkRequest): Message[] {
  const { operation, type, body } = request;
  socket.sequence = (socket.sequence + 1) >>> 0 || 1;
  const { sequence } = socket;
  const flags = messageFlags.request | messageFlags.dump | (request.flags ?? 0);
  sendBytes(socket, operation, encodeMessage({ type, flags, sequence, body }));
  const found: Message[] = [];
  let interrupted = false;
  for (;;) {
    for (const message of receiveDatagram(socket, operation) ?? []) {
      if (message.sequence !== sequence) continue;
      interrupted ||= (message.flags & messageFlags.dumpInterrupted) !== 0;
      if (message.type === controlTypes.error) {
        const { code, detail } = decodeAcknowledgement(message);
        throw new NetlinkError({ operation, code, detail });
      }
      if (message.type === controlTypes.done) {
        const errno = message.body.length >= 4 ? -message.body.readInt32LE(0) : 0;
        if (errno > 0) throw new NetlinkError({ operation, code: errnoName(errno) });
        if (interrupted) throw new NetlinkError({ operation, code: "EINTR", detail: "the dump was interrupted" });
        return found;
      }
      found.push(message);
    }
  }
}
