import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Duplex, Readable } from "node:stream";
import {
  mostFrameBytes,
  onStream,
  readFrames,
  sessionExec,
  writeFrame,
  type LinkHandler,
  type LinkRequest,
  type SessionExit,
} from "@wcs/api/agent-link";
import type { ServerCaller } from "../link/server-connection.ts";
import { drained } from "./drained.ts";
import { findContainer, type FoundContainer } from "./find-container.ts";
import { makeSessionCgroup, type SessionCgroup } from "./session-cgroup.ts";

/** What sessions need of the host. */
export type SessionHost = Readonly<{
  /** The program `wcs-cage`. */
  cageProgram: string;
  /** Where containerd's runtime keeps its running containers. */
  tasksFolder: string;
  /** Where kubelet keeps pods' logs. */
  podLogsFolder: string;
  landlock: number;
  log: (line: string) => void;
}>;

type Order = LinkRequest<typeof sessionExec>;

/** Serves `session.exec`: one program, caged, in a container. Nothing of it outlives the stream. */
export function execSession(host: SessionHost): LinkHandler<ServerCaller> {
  return onStream(sessionExec, async ({ body, signal }) => {
    const container = await findContainer(host.tasksFolder, body);
    const cgroup = await makeSessionCgroup(container.pid, body.session);
    let child: ChildProcess;
    try {
      child = spawn(host.cageProgram, cageArguments(body, container, cgroup), {
        stdio: ["pipe", "pipe", "pipe"],
        env: {},
      });
      await once(child, "spawn");
    } catch (error) {
      await cgroup.end();
      throw error;
    }
    return {
      answer: { containerId: container.id, landlock: host.landlock },
      run: (stream) => runExec(stream, { child, cgroup, order: body, signal }),
    };
  });
}

function cageArguments(order: Order, container: FoundContainer, cgroup: SessionCgroup): readonly string[] {
  const { cage, argv } = order;
  const each = (name: string, values: readonly (string | number)[]) => values.flatMap((value) => [name, String(value)]);
  const { uid, gid, groups } = container.user;
  return [
    ...each("--cgroup", cgroup.procsFiles),
    ...each("--write", cage.writable),
    ...each("--keep", cage.capabilities),
    ...each("--env", container.env),
    ...each("--group", groups),
    ...(cage.signalsToAll ? ["--signals", "all"] : []),
    "--pid",
    String(container.pid),
    "--uid",
    String(uid),
    "--gid",
    String(gid),
    "--cwd",
    container.cwd,
    "--",
    ...argv,
  ];
}

type Running = Readonly<{ child: ChildProcess; cgroup: SessionCgroup; order: Order; signal: AbortSignal }>;

async function runExec(stream: Duplex, { child, cgroup, order, signal }: Running): Promise<void> {
  const ended = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  let reason: string | null = null;
  const end = (why: string): void => {
    reason ??= why;
    child.kill("SIGKILL");
    cgroup.end().catch(() => undefined);
  };
  const late = setTimeout(() => end(`the time of ${order.mostMs} ms is over`), order.mostMs);
  const onAbort = (): void => end("the connection to the server broke");
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const feeding = feed(stream, child).catch((error: unknown) => end(String(error)));
    const outputs = Promise.all([
      pump(child.stdout, stream, "output", signal),
      pump(child.stderr, stream, "error", signal),
    ]);
    const [code] = await ended;
    // What the program left running in the background ends with it; only then its ends of the pipes are closed, and all output is here.
    await cgroup.end();
    await outputs;
    const exit: SessionExit = { code: reason === null ? code : null, reason };
    if (!stream.destroyed) stream.write(writeFrame("exit", Buffer.from(JSON.stringify(exit))));
    void feeding;
  } finally {
    clearTimeout(late);
    signal.removeEventListener("abort", onAbort);
    await cgroup.end();
  }
}

/** Passes what the person types to the program's input. */
async function feed(stream: Duplex, child: ChildProcess): Promise<void> {
  const { stdin } = child;
  if (stdin === null) return;
  // The program may end, or close its input, before all is written.
  stdin.on("error", () => undefined);
  for await (const { type, data } of readFrames(stream)) {
    if (type === "inputEnd") {
      stdin.end();
    } else if (type === "input" && !stdin.destroyed && !stdin.write(data)) {
      await drained(stdin);
    }
  }
}

/** Sends a program's output as frames, no faster than the reader takes it. */
async function pump(
  source: Readable | null,
  stream: Duplex,
  type: "output" | "error",
  signal: AbortSignal,
): Promise<void> {
  if (source === null) return;
  for await (const part of source) {
    for (let at = 0; at < (part as Buffer).length; at += mostFrameBytes) {
      if (stream.destroyed || signal.aborted) break;
      const frame = writeFrame(type, (part as Buffer).subarray(at, at + mostFrameBytes));
      if (!stream.write(frame)) await drained(stream);
    }
  }
}
