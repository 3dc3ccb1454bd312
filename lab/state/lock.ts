import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { LabError } from "./lab-error.ts";

/** Who holds the lab: process, since when, doing what. */
export type LockHolder = Readonly<{ pid: number; since: string; command: string }>;

/**
 * An abstract unix socket: the kernel gives the name to one process of the network namespace, and takes it back at that
 * process's death however it dies, so a lock can't go stale (unix(7)). Whoever connects is told who holds it.
 */
const socketName = "\0wcs-lab-lock";

/**
 * Runs `use` while holding the lab's lock.
 * @throws LabError "busy" at once when another process holds it, naming it.
 */
export async function withLock<T>(command: string, use: () => Promise<T>): Promise<T> {
  const server = await acquire(command);
  try {
    return await use();
  } finally {
    server.close();
  }
}

async function acquire(command: string): Promise<Server> {
  const holder: LockHolder = { pid: process.pid, since: new Date().toISOString(), command };
  const server = createServer((connection) => {
    connection.on("error", () => {}); // one who asked and went away
    connection.end(JSON.stringify(holder));
  });
  try {
    server.listen(socketName);
    await once(server, "listening");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    const other = await lockHolder();
    const who =
      other === null
        ? "by a process that does not answer (is it stopped?)"
        : `by process ${other.pid} (wcs-lab ${other.command}) since ${other.since}`;
    throw new LabError("busy", `the lab is held ${who}. Wait for it, or end it.`);
  }
  server.unref();
  return server;
}

/** Who holds the lock now; null when nobody does, or the holder does not answer within a second. */
export function lockHolder(): Promise<LockHolder | null> {
  return new Promise((resolve) => {
    const connection = connect(socketName);
    let text = "";
    const finish = (holder: LockHolder | null) => {
      connection.destroy();
      resolve(holder);
    };
    connection.setTimeout(1000, () => finish(null));
    connection.on("data", (piece) => (text += piece.toString("utf8")));
    connection.on("error", () => finish(null));
    connection.on("end", () => finish(parseHolder(text)));
  });
}

/** Null when the holder died while it answered. */
function parseHolder(text: string): LockHolder | null {
  try {
    return JSON.parse(text) as LockHolder;
  } catch {
    return null;
  }
}
