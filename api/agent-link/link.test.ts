import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, performServerHandshake, type ClientHttp2Session, type ServerHttp2Session } from "node:http2";
import { createConnection, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Type } from "typebox";
import {
  createLinkPeer,
  defineCall,
  defineStream,
  keepAlive,
  LinkError,
  onCall,
  onStream,
  serveLink,
  type LinkHandler,
  type LinkPeer,
} from "./index.ts";

const add = defineCall("test.add", {
  request: Type.Object({ a: Type.Integer(), b: Type.Integer() }, { additionalProperties: false }),
  answer: Type.Object({ sum: Type.Integer() }),
  mostRequestBytes: 1000,
});
const hang = defineCall("test.hang", { request: Type.Object({}), answer: Type.Object({}) });
const echo = defineStream("test.echo", {
  request: Type.Object({ refuse: Type.Boolean() }),
  answer: Type.Object({ hello: Type.String() }),
});
const source = defineStream("test.source", {
  request: Type.Object({ bytes: Type.Integer() }),
  answer: Type.Object({}),
});

type Linked = Readonly<{
  peer: LinkPeer;
  calling: ClientHttp2Session;
  serving: ServerHttp2Session;
  cut: () => void;
  /** Nothing comes through any more, and nobody is told. */
  freeze: () => void;
  begun: string[];
  aborted: string[];
  bugs: unknown[];
  sent: () => number;
}>;

/** A link over loopback: the side that opened the connection serves, as an agent does. */
async function link(context: TestContext, mostCalls = 100): Promise<Linked> {
  const listener = createServer();
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const accepted = once(listener, "connection") as Promise<[Socket]>;
  const cable = createServer((near) => {
    const far = createConnection((listener.address() as AddressInfo).port, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("error", () => undefined).pipe(to);
      from.once("close", () => to.destroy());
      halves.push(from);
    }
  });
  const halves: Socket[] = [];
  cable.listen(0, "127.0.0.1");
  await once(cable, "listening");
  const agentSocket = createConnection((cable.address() as AddressInfo).port, "127.0.0.1");
  const [serverSocket] = await accepted;
  listener.close();
  cable.close();
  const aborted: string[] = [];
  const begun: string[] = [];
  const bugs: unknown[] = [];
  let sent = 0;
  const untilAborted = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
  const handlers: LinkHandler<string>[] = [
    onCall(add, async ({ body, context }) => {
      if (body.a === 13) throw new LinkError("number.unlucky", `not with ${context}`);
      if (body.a === 14) throw new TypeError("a bug");
      return { sum: body.a + body.b };
    }),
    onCall(hang, async ({ signal }) => {
      begun.push("hang");
      await untilAborted(signal);
      aborted.push("hang");
      return {};
    }),
    onStream(echo, async ({ body, context }) => {
      if (body.refuse) throw new LinkError("echo.refused", "as you wish");
      return {
        answer: { hello: context },
        run: async (stream) => {
          for await (const part of stream) if (!stream.write(part)) await once(stream, "drain");
        },
      };
    }),
    onStream(source, async ({ body, signal }) => ({
      answer: {},
      run: async (stream) => {
        const part = Buffer.alloc(16 * 1024, 7);
        while (sent < body.bytes && !signal.aborted) {
          sent += part.length;
          if (!stream.write(part)) await Promise.race([once(stream, "drain"), untilAborted(signal)]);
        }
        if (signal.aborted) aborted.push("source");
      },
    })),
  ];
  const serving = performServerHandshake(agentSocket, { settings: { maxConcurrentStreams: 100 } });
  serving.on("error", () => undefined);
  serveLink(serving, { handlers, context: "h1", onBug: (_, error) => bugs.push(error) });
  const calling = connect("http://agent", { createConnection: () => serverSocket });
  calling.on("error", () => undefined);
  context.after(() => {
    calling.destroy();
    serving.destroy();
    agentSocket.destroy();
    serverSocket.destroy();
  });
  const peer = createLinkPeer(calling, mostCalls);
  return {
    peer,
    calling,
    serving,
    cut: () => halves[0]?.destroy(),
    freeze: () => halves.forEach((half) => half.unpipe().pause()),
    begun,
    aborted,
    bugs,
    sent: () => sent,
  };
}

const wait = { timeoutMs: 5000 };
const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return "done";
  } catch (error) {
    assert.ok(error instanceof LinkError, String(error));
    return error.code;
  }
};
async function until(holds: () => boolean): Promise<void> {
  for (let waitedMs = 0; !holds(); waitedMs += 5) {
    assert.ok(waitedMs < 5000, "it did not come to hold within 5 s");
    await sleep(5);
  }
}

describe("the agent link", { timeout: 30_000 }, () => {
  it("carries many calls at once, each with its own answer", async (context) => {
    const { peer } = await link(context);
    const numbers = Array.from({ length: 99 }, (_, index) => 100 + index);
    const sums = await Promise.all(numbers.map((a) => peer.call(add, { a, b: 1 }, wait)));
    assert.deepEqual(
      sums.map(({ sum }) => sum),
      numbers.map((a) => a + 1),
    );
    await until(() => peer.openCount() === 0);
  });

  it("tells a refusal, a bug, an unknown method, and a body that does not fit apart", async (context) => {
    const { peer, bugs } = await link(context);
    assert.equal(await codeOf(peer.call(add, { a: 13, b: 0 }, wait)), "number.unlucky");
    assert.equal(await codeOf(peer.call(add, { a: 14, b: 0 }, wait)), "link.failed");
    assert.equal(bugs.length, 1);
    const other = defineCall("test.other", { request: Type.Object({}), answer: Type.Object({}) });
    assert.equal(await codeOf(peer.call(other, {}, wait)), "link.unknown-method");
    const looser = { ...add, request: Type.Object({ a: Type.String() }) };
    assert.equal(await codeOf(peer.call(looser, { a: "1" }, wait)), "link.invalid", "the side that serves checks");
    assert.equal(await codeOf(peer.call(add, { a: 0.5, b: 0 }, wait)), "link.invalid", "the side that calls checks");
    const large = { ...add, request: Type.Object({ a: Type.String() }), mostRequestBytes: 1e6 };
    assert.equal(await codeOf(peer.call(large, { a: "x".repeat(2000) }, wait)), "link.too-large");
    assert.equal((await peer.call(add, { a: 1, b: 1 }, wait)).sum, 2, "and goes on");
  });

  it("ends the other side's work when the caller stops waiting", async (context) => {
    const { peer, begun, aborted } = await link(context);
    assert.equal(await codeOf(peer.call(hang, {}, { timeoutMs: 50 })), "link.timeout");
    await until(() => aborted.length === 1);
    const stop = new AbortController();
    const call = codeOf(peer.call(hang, {}, { timeoutMs: 5000, signal: stop.signal }));
    await until(() => begun.length === 2);
    stop.abort();
    assert.equal(await call, "link.cancelled");
    await until(() => aborted.length === 2 && peer.openCount() === 0);
  });

  it("refuses calls beyond its limit without queueing them", async (context) => {
    const { peer, begun, aborted } = await link(context, 2);
    const stop = new AbortController();
    const hanging = [1, 2].map(() => codeOf(peer.call(hang, {}, { timeoutMs: 5000, signal: stop.signal })));
    assert.equal(await codeOf(peer.call(add, { a: 1, b: 1 }, wait)), "link.busy");
    await until(() => begun.length === 2);
    stop.abort();
    await Promise.all(hanging);
    await until(() => peer.openCount() === 0 && aborted.length === 2);
    assert.equal(await codeOf(peer.call(add, { a: 1, b: 1 }, wait)), "done");
  });

  it("fails every open call at once when the connection is cut", async (context) => {
    const { peer, begun, cut } = await link(context);
    const calls = [1, 2, 3].map(() => codeOf(peer.call(hang, {}, { timeoutMs: 5000 })));
    await until(() => begun.length === 3);
    cut();
    assert.deepEqual(await Promise.all(calls), ["link.cut", "link.cut", "link.cut"]);
    assert.equal(await codeOf(peer.call(add, { a: 1, b: 1 }, wait)), "link.away");
  });

  it("streams bytes both ways, whole and in order, to the end", async (context) => {
    const { peer } = await link(context);
    assert.equal(await codeOf(peer.open(echo, { refuse: true }, wait)), "echo.refused");
    const { answer, stream } = await peer.open(echo, { refuse: false }, wait);
    assert.deepEqual(answer, { hello: "h1" });
    const sent = Buffer.alloc(3_000_000);
    for (let at = 0; at < sent.length; at += 4) sent.writeUInt32BE(at, at);
    const back: Buffer[] = [];
    const reading = (async () => {
      for await (const part of stream) back.push(part as Buffer);
    })();
    stream.end(sent);
    await reading;
    assert.ok(Buffer.concat(back).equals(sent));
  });

  it("holds a fast sender back while nobody reads, and carries other calls meanwhile", async (context) => {
    const { peer, sent, aborted } = await link(context);
    const { stream, cancel } = await peer.open(source, { bytes: 1e9 }, wait);
    await sleep(200);
    const before = sent();
    assert.ok(before > 0 && before < 4_000_000, `${before} bytes are on their way to a reader who does not read`);
    for (let index = 0; index < 50; index += 1) await peer.call(add, { a: 100 + index, b: 1 }, wait);
    assert.equal(sent(), before, "and no more come");
    let read = 0;
    stream.on("data", (part: Buffer) => (read += part.length));
    await until(() => read > before + 1_000_000);
    cancel();
    await until(() => aborted.includes("source"));
  });

  it("drops a link whose other side is silent", async (context) => {
    const { calling, freeze } = await link(context);
    keepAlive(calling, { everyMs: 20, deadAfterMs: 100 });
    await sleep(300);
    assert.ok(!calling.destroyed, "a live one stays");
    freeze();
    await until(() => calling.destroyed);
  });
});
