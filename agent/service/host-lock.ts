import { createServer } from "node:net";

/**
 * Holds the right to be this host's agent: a name among the abstract unix sockets (unix(7)) of the host's network namespace,
 * which the kernel gives to one process and takes back however that ends. Throws when another agent has it.
 */
export async function holdHostLock(): Promise<{ release: () => Promise<void> }> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      reject(taken ? new Error("another wcs-agent runs on this host", { cause: error }) : error);
    });
    server.listen("\0wcs-agent", resolve);
  });
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}
