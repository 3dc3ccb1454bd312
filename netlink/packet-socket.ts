import { libcCalls, lastErrno } from "./libc.ts";
import { errnoName, NetlinkError } from "./netlink-error.ts";

const AF_PACKET = 17;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const MSG_DONTWAIT = 0x40;

/** struct sockaddr_ll of packet(7). */
function linkAddress(protocol: number, linkIndex: number): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt16LE(AF_PACKET, 0);
  bytes.writeUInt16BE(protocol, 2);
  bytes.writeInt32LE(linkIndex, 4);
  bytes[11] = 6;
  return bytes;
}

/** Opens a raw socket in this thread's namespace. `protocol` 0 hears nothing: for sending only. */
export function openPacketSocket(protocol: number, linkIndex: number): number {
  const fd = libcCalls.socket(AF_PACKET, SOCK_RAW_CLOEXEC, 0);
  if (fd === -1) throw new NetlinkError({ operation: "socket(AF_PACKET)", code: errnoName(lastErrno()) });
  if (protocol !== 0) {
    const address = linkAddress(protocol, linkIndex);
    if (libcCalls.bind(fd, address, address.length) === -1) {
      const code = errnoName(lastErrno());
      libcCalls.close(fd);
      throw new NetlinkError({ operation: `listen on link #${linkIndex}`, code });
    }
  }
  return fd;
}

/** Sends one whole Ethernet frame out of a link. */
export function sendFrame(fd: number, linkIndex: number, frame: Buffer): void {
  const address = linkAddress(0, linkIndex);
  for (;;) {
    if (libcCalls.sendto(fd, frame, frame.length, 0, address, address.length) === frame.length) return;
    const code = errnoName(lastErrno());
    if (code !== "EINTR") throw new NetlinkError({ operation: `send a frame on link #${linkIndex}`, code });
  }
}

const receiveBuffer = Buffer.alloc(2048);

/** The next frame that waits, or null. A link that went down is no error here: the one who asked finds no answer. */
export function receiveFrame(fd: number): Buffer | null {
  for (;;) {
    const length = libcCalls.recv(fd, receiveBuffer, receiveBuffer.length, MSG_DONTWAIT);
    if (length >= 0) return Buffer.from(receiveBuffer.subarray(0, length));
    const code = errnoName(lastErrno());
    if (code === "EINTR" || code === "ENETDOWN") continue;
    if (code === "EAGAIN") return null;
    throw new NetlinkError({ operation: "receive a frame", code });
  }
}
