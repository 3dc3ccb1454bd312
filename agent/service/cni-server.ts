import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import type { RawCall } from "../verbs/cni-call.ts";
import type { Answer } from "./answer-call.ts";
import { FrameError, readFrame, writeAnswer } from "./frame.ts";

const longestFrameBytes = 2 * 1024 * 1024;
const mostConnections = 1024;
const frameTimeoutMs = 10_000;

/** Listens for `wecni` on a unix socket that only root may use. An old socket file is replaced: the agent's lock is held. */
export async function startCniServer(
  options: Readonly<{
    path: string;
    answer: (call: RawCall) => Promise<Answer>;
    log: (line: string) => void;
  }>,
): Promise<{ close: () => Promise<void> }> {
  const { path, answer, log } = options;
  const underWay = new Set<Promise<void>>();
  const server = createServer((socket) => {
    const call = serve(socket, answer).catch((error: unknown) => log(`a call broke off: ${String(error)}`));
    underWay.add(call);
    void call.then(() => underWay.delete(call));
  });
  server.maxConnections = mostConnections;
  await listenOn(server, path);
  return {
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      await Promise.all(underWay);
      await closed;
    },
  };
}

/** Binds a server to a socket file of mode 0600. */
export async function listenOn(server: Server, path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  rmSync(path, { force: true });
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } finally {
    process.umask(before);
  }
  chmodSync(path, 0o600);
}

async function serve(socket: Socket, answer: (call: RawCall) => Promise<Answer>): Promise<void> {
  socket.on("error", () => socket.destroy());
  const call = await readCallFrom(socket);
  if (call === null) return;
  const { exitCode, text } = await answer(call);
  await new Promise<void>((resolve) => {
    if (socket.destroyed) return resolve();
    socket.once("close", () => resolve());
    socket.end(writeAnswer(exitCode, text));
  });
}

/** The one call of a connection; null when the other side went away before it was whole. */
function readCallFrom(socket: Socket): Promise<RawCall | null> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const timer = setTimeout(() => fail(new FrameError("no whole call within 10 s")), frameTimeoutMs);
    const done = (call: RawCall | null) => {
      clearTimeout(timer);
      socket.off("data", onData);
      socket.resume();
      resolve(call);
    };
    const fail = (error: Error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length > longestFrameBytes) return fail(new FrameError("the call is too long"));
      try {
        const call = readFrame(bytes);
        if (call !== null) done(call);
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    };
    socket.on("data", onData);
    socket.once("close", () => done(null));
  });
}
