import { libcCalls, lastErrno } from "./libc.ts";
import { errnoName, NetlinkError } from "./netlink-error.ts";

const CLONE_NEWNET = 0x40000000;
const O_RDONLY_CLOEXEC = 0o2000000;

/** Opens a namespace file (`/run/netns/x`, `/proc/1/ns/net`); the descriptor keeps the namespace alive. */
export function openNamespaceFile(path: string): number {
  const fd = libcCalls.open(path, O_RDONLY_CLOEXEC);
  if (fd === -1) throw new NetlinkError({ operation: `open namespace ${path}`, code: errnoName(lastErrno()) });
  return fd;
}

/**
 * Runs `work` with this thread in the namespace of `fd` and comes back. Everything in between is synchronous, so that
 * nothing else of this thread can run in the wrong namespace. A thread that can't come back ends the process: going on
 * would change the wrong host.
 */
export function inNamespace<T>(fd: number, work: () => T): T {
  const home = openNamespaceFile("/proc/thread-self/ns/net");
  try {
    if (libcCalls.setns(fd, CLONE_NEWNET) === -1) {
      throw new NetlinkError({ operation: "setns", code: errnoName(lastErrno()) });
    }
    try {
      return work();
    } finally {
      if (libcCalls.setns(home, CLONE_NEWNET) === -1) process.abort();
    }
  } finally {
    libcCalls.close(home);
  }
}
