import koffi from "koffi";

const libc = koffi.load("libc.so.6");

/** The few calls of the C library that this package needs. Each returns -1 on failure; `lastErrno` then says why. */
export const libcCalls = {
  socket: libc.func("int socket(int, int, int)") as (domain: number, type: number, protocol: number) => number,
  bind: libc.func("int bind(int, void *, uint32_t)") as (fd: number, address: Buffer, length: number) => number,
  setsockopt: libc.func("int setsockopt(int, int, int, void *, uint32_t)") as (
    fd: number,
    level: number,
    option: number,
    value: Buffer,
    length: number,
  ) => number,
  send: libc.func("long send(int, void *, size_t, int)") as (
    fd: number,
    data: Buffer,
    length: number,
    flags: number,
  ) => number,
  sendto: libc.func("long sendto(int, void *, size_t, int, void *, uint32_t)") as (
    fd: number,
    data: Buffer,
    length: number,
    flags: number,
    address: Buffer,
    addressLength: number,
  ) => number,
  recv: libc.func("long recv(int, void *, size_t, int)") as (
    fd: number,
    data: Buffer,
    length: number,
    flags: number,
  ) => number,
  recvfrom: libc.func("long recvfrom(int, void *, size_t, int, void *, void *)") as (
    fd: number,
    data: Buffer,
    length: number,
    flags: number,
    address: Buffer,
    addressLength: Buffer,
  ) => number,
  read: libc.func("long read(int, void *, size_t)") as (fd: number, data: Buffer, length: number) => number,
  open: libc.func("int open(const char *, int)") as (path: string, flags: number) => number,
  close: libc.func("int close(int)") as (fd: number) => number,
  setns: libc.func("int setns(int, int)") as (fd: number, type: number) => number,
  poll: libc.func("int poll(void *, unsigned long, int)") as (
    descriptors: Buffer,
    count: number,
    timeoutMs: number,
  ) => number,
  eventfd: libc.func("int eventfd(unsigned int, int)") as (initial: number, flags: number) => number,
} as const;

/** The errno that the last call on this thread left. */
export function lastErrno(): number {
  return koffi.errno();
}

/** `send` on a thread of the pool: for requests that the kernel answers only after a wait of its own. */
export function sendOnPool(fd: number, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    asyncSend.async(fd, data, data.length, 0, (error: Error | null, sent: number) => {
      if (error) reject(error);
      else if (sent !== data.length) reject(new Error(`send wrote ${sent} of ${data.length} bytes`));
      else resolve();
    });
  });
}

/** `close` on a thread of the pool: closing a packet socket waits for an RCU grace period (packet_release in net/packet/af_packet.c). */
export function closeOnPool(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    asyncClose.async(fd, (error: Error | null) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

const asyncSend = libc.func("long send(int fd, void *data, size_t length, int flags)");
const asyncClose = libc.func("int close(int fd)");
