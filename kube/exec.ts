import { Readable, Writable } from "node:stream";
import type { WebSocket } from "ws";
import type { KubeClient } from "./client.ts";
import { KubeError, type KubeStatus } from "./errors.ts";
import { networkError } from "./network-error.ts";
import { resourcePath } from "./resource.ts";
import { pods } from "./resources.ts";
import { statusError, streamedStatusError } from "./status-error.ts";

export type ExecOptions = Readonly<{
  namespace: string;
  pod: string;
  container?: string | undefined;
  /** argv; no shell is put in between. */
  command: readonly string[];
  stdin?: boolean | undefined;
  /** A terminal: stderr then comes on stdout. */
  tty?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** Until the process runs. Default 15,000. */
  openTimeoutMs?: number | undefined;
}>;

export type ExecSession = Readonly<{
  /** Ending it closes the process's standard input. Null when `stdin` was not asked for. */
  stdin: Writable | null;
  stdout: Readable;
  /** Null with a terminal. */
  stderr: Readable | null;
  resize: (size: Readonly<{ columns: number; rows: number }>) => void;
  /** The process's exit code. Rejects with KubeError when it is not known (link lost, runtime failed). */
  exitCode: Promise<number>;
  /** Cuts the link. Kubernetes does not end the process for that (kubernetes #89031). */
  close: () => void;
}>;

/** Channels of the remote command protocol; 255 closes another one (v5.channel.k8s.io, KEP-4006). */
const channel = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;
const protocol = "v5.channel.k8s.io";
const maxFrameBytes = 1024 * 1024;

/** Runs a command in a container through the API server, over WebSocket. Both directions have back-pressure. */
export async function execInPod(client: KubeClient, options: ExecOptions): Promise<ExecSession> {
  const { WebSocket: Socket } = await import("ws");
  const tty = options.tty === true;
  const query = new URLSearchParams();
  for (const argument of options.command) query.append("command", argument);
  if (options.container !== undefined) query.set("container", options.container);
  query.set("stdin", String(options.stdin === true));
  query.set("stdout", "true");
  query.set("stderr", String(!tty));
  query.set("tty", String(tty));
  const { path: basePath, ...secure } = client.secureOptions();
  const path = resourcePath(pods, { namespace: options.namespace, name: options.pod, subresource: "exec" });
  const server = new URL(client.server);
  const socket = new Socket(`wss://${server.host}${basePath ?? ""}${path}?${query.toString()}`, [protocol], {
    ...secure,
    perMessageDeflate: false,
    maxPayload: maxFrameBytes,
    handshakeTimeout: options.openTimeoutMs ?? 15_000,
  });
  await opened(socket, { client, path, signal: options.signal });
  if (socket.protocol !== protocol) {
    socket.terminate();
    throw new KubeError("protocol", `the API server at ${client.server} does not speak ${protocol}`, {
      advice: "Kubernetes 1.30 and newer does.",
    });
  }
  return session(socket, { client, path, tty, stdin: options.stdin === true, signal: options.signal });
}

type Context = Readonly<{ client: KubeClient; path: string; signal?: AbortSignal | undefined }>;

function opened(socket: WebSocket, { client, path, signal }: Context): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => socket.terminate();
    const settle = (error?: KubeError) => {
      signal?.removeEventListener("abort", onAbort);
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.once("open", () => settle());
    socket.on("error", (error) =>
      settle(
        signal?.aborted
          ? new KubeError("cancelled", "the exec was cancelled")
          : networkError(error, client.server, false),
      ),
    );
    socket.once("unexpected-response", (request, response) => {
      let body = "";
      response.on("data", (chunk) => {
        if (body.length < 65_536) body += String(chunk);
      });
      response.on("end", () => {
        request.destroy();
        settle(statusError({ statusCode: response.statusCode ?? 0, body, call: `exec ${path}` }));
      });
    });
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

function session(
  socket: WebSocket,
  { client, path, tty, stdin, signal }: Context & Readonly<{ tty: boolean; stdin: boolean }>,
): ExecSession {
  /** A reader that is full holds the socket; when all have room it goes on. */
  const full = new Set<Readable>();
  const reader = (): Readable => {
    const stream: Readable = new Readable({
      read: () => {
        full.delete(stream);
        if (full.size === 0 && socket.isPaused) socket.resume();
      },
    });
    return stream;
  };
  const stdout = reader();
  const stderr = tty ? null : reader();
  const push = (stream: Readable | null, data: Buffer) => {
    if (stream === null || stream.destroyed || data.length === 0) return;
    if (!stream.push(data)) {
      full.add(stream);
      socket.pause();
    }
  };
  for (const stream of [stdout, stderr]) {
    // A reader that went away must not hold the others.
    stream?.once("close", () => {
      full.delete(stream);
      if (full.size === 0 && socket.isPaused) socket.resume();
    });
  }

  const frame = (id: number, data: Buffer) => Buffer.concat([Buffer.of(id), data]);
  const send = (data: Buffer, done: (error?: Error | null) => void) => {
    if (socket.readyState !== socket.OPEN) return done(new KubeError("unreachable", "the exec session is closed"));
    socket.send(data, done);
  };
  const input = stdin
    ? new Writable({
        write: (chunk: Buffer, _encoding, done) => send(frame(channel.stdin, chunk), done),
        final: (done) => send(Buffer.of(channel.close, channel.stdin), done),
      })
    : null;
  // The end of the session is told by `exitCode`; a write after it is no crash.
  input?.on("error", () => undefined);

  const { promise: exitCode, resolve, reject } = Promise.withResolvers<number>();
  exitCode.catch(() => undefined);
  const ended = () => {
    stdout.push(null);
    stderr?.push(null);
    input?.destroy();
  };
  const onAbort = () => socket.terminate();
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  socket.on("message", (data: Buffer) => {
    const body = data.subarray(1);
    switch (data[0]) {
      case channel.stdout:
        return push(stdout, body);
      case channel.stderr:
        return push(stderr, body);
      case channel.status: {
        const result = exitCodeOf(body.toString(), path);
        if (typeof result === "number") resolve(result);
        else reject(result);
        return;
      }
      case channel.close:
        if (body[0] === channel.stdout) stdout.push(null);
        if (body[0] === channel.stderr) stderr?.push(null);
        return;
      default:
        return;
    }
  });
  socket.on("error", (error) => reject(networkError(error, client.server, true)));
  socket.on("close", () => {
    signal?.removeEventListener("abort", onAbort);
    reject(
      signal?.aborted
        ? new KubeError("cancelled", "the exec was cancelled")
        : new KubeError("unreachable", `the exec session of ${path} ended without an exit code`),
    );
    ended();
  });

  return {
    stdin: input,
    stdout,
    stderr,
    resize: ({ columns, rows }) =>
      send(frame(channel.resize, Buffer.from(JSON.stringify({ Width: columns, Height: rows }))), () => undefined),
    exitCode,
    close: () => socket.terminate(),
  };
}

/** The status channel carries a Status: success, or a cause `ExitCode` (client-go remotecommand/v4.go). */
function exitCodeOf(text: string, path: string): number | KubeError {
  let status: KubeStatus;
  try {
    status = JSON.parse(text) as KubeStatus;
  } catch (error) {
    return new KubeError("protocol", `the status of exec ${path} is not JSON`, { cause: error });
  }
  if (status.status === "Success") return 0;
  const cause = status.details?.causes?.find((item) => item.reason === "ExitCode")?.message;
  if (status.reason === "NonZeroExitCode" && cause !== undefined && /^\d+$/.test(cause)) return Number(cause);
  return streamedStatusError(status, `exec ${path}`);
}
