import assert from "node:assert/strict";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { WebSocketServer, type WebSocket } from "ws";
import { createKubeClient } from "./client.ts";
import { execInPod, type ExecOptions } from "./exec.ts";
import { startLoopbackServer } from "./testing/loopback-server.ts";

// The framing against a peer that speaks the protocol; the exec of a real kubelet is tested on the lab.

async function exec(
  t: TestContext,
  peer: (socket: WebSocket, url: string) => void,
  options: Partial<ExecOptions> = {},
  protocols: (offered: Set<string>) => string | false = (offered) => [...offered][0] ?? false,
) {
  const loopback = await startLoopbackServer((_, response) =>
    response.writeHead(403).end(JSON.stringify({ kind: "Status", message: "exec is forbidden", reason: "Forbidden" })),
  );
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: protocols });
  loopback.server.on("upgrade", (request, socket, head) => {
    if (request.headers.authorization !== "Bearer t") {
      socket.end("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => peer(webSocket, request.url ?? ""));
  });
  const client = createKubeClient({ access: loopback.access, userAgent: "test" });
  t.after(async () => {
    client.close();
    for (const socket of sockets.clients) socket.terminate();
    await loopback.close();
  });
  return execInPod(client, { namespace: "n", pod: "p", command: ["cat", "a b", "&c"], ...options });
}

const exitStatus = (code: number) =>
  Buffer.from(
    `\u0003${JSON.stringify(
      code === 0
        ? { status: "Success" }
        : {
            status: "Failure",
            reason: "NonZeroExitCode",
            details: { causes: [{ reason: "ExitCode", message: String(code) }] },
          },
    )}`,
  );

describe("exec", () => {
  it("passes argv, input with its end, both outputs and the exit code", async (t) => {
    let url = "";
    const session = await exec(
      t,
      (socket, path) => {
        url = path;
        socket.on("message", (data: Buffer) => {
          if (data[0] === 0) socket.send(Buffer.concat([Buffer.of(1), data.subarray(1)]));
          if (data[0] !== 255) return;
          assert.equal(data[1], 0);
          socket.send(Buffer.from("\u0002to stderr"));
          socket.send(exitStatus(3));
          socket.close();
        });
      },
      { stdin: true, container: "c" },
    );
    session.stdin?.end("hello");
    assert.ok(session.stderr !== null);
    assert.equal(await text(session.stdout), "hello");
    assert.equal(await text(session.stderr), "to stderr");
    assert.equal(await session.exitCode, 3);
    const query = new URL(url, "https://x").searchParams;
    assert.deepEqual(query.getAll("command"), ["cat", "a b", "&c"]);
    assert.equal(query.get("container"), "c");
  });

  it("tells the size of the terminal", async (t) => {
    const got = Promise.withResolvers<string>();
    const session = await exec(
      t,
      (socket) => socket.on("message", (data: Buffer) => data[0] === 4 && got.resolve(data.subarray(1).toString())),
      { tty: true, stdin: true },
    );
    assert.equal(session.stderr, null);
    session.resize({ columns: 120, rows: 40 });
    assert.deepEqual(JSON.parse(await got.promise), { Width: 120, Height: 40 });
    session.close();
    await assert.rejects(session.exitCode, { reason: "unreachable" });
  });

  it("takes no more output than its reader wants", async (t) => {
    const total = 64 * 1024 * 1024;
    let sent = 0;
    let peerSocket: WebSocket | null = null;
    const session = await exec(t, (socket) => {
      peerSocket = socket;
      const chunk = Buffer.concat([Buffer.of(1), Buffer.alloc(65_536, "x")]);
      const more = (error?: Error | null) => {
        if (error) return;
        if (sent >= total) {
          socket.send(exitStatus(0));
          socket.close();
          return;
        }
        sent += 65_536;
        socket.send(chunk, more);
      };
      more();
    });
    await once(session.stdout, "readable");
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.ok(peerSocket !== null);
    assert.ok(sent < total / 2, `${sent} bytes were taken though nobody read`);
    let read = 0;
    for await (const chunk of session.stdout as AsyncIterable<Buffer>) read += chunk.length;
    assert.equal(read, total);
    assert.equal(await session.exitCode, 0);
  });

  it("without an exit code is an error, never a success", async (t) => {
    const session = await exec(t, (socket) => socket.close());
    await assert.rejects(session.exitCode, { reason: "unreachable", message: /without an exit code/ });
  });

  it("fails with the server's words when it is refused, and when the protocol is another", async (t) => {
    await assert.rejects(
      exec(
        t,
        () => undefined,
        {},
        () => false,
      ),
      (error: Error) => error.name === "KubeError",
    );
    const loopback = await startLoopbackServer((_, response) => response.end());
    loopback.server.on("upgrade", (_, socket) => {
      const body = JSON.stringify({ kind: "Status", message: "exec is forbidden", reason: "Forbidden", code: 403 });
      socket.end(`HTTP/1.1 403 Forbidden\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
    const client = createKubeClient({ access: loopback.access, userAgent: "test" });
    t.after(async () => {
      client.close();
      await loopback.close();
    });
    await assert.rejects(execInPod(client, { namespace: "n", pod: "p", command: ["id"] }), {
      reason: "forbidden",
      message: /exec is forbidden/,
    });
  });
});
