import assert from "node:assert/strict";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { describe, it, type TestContext } from "node:test";
import { createKubeClient } from "./client.ts";
import type { ClusterAccess } from "./kubeconfig.ts";
import { resourceType } from "./resource.ts";
import { pods } from "./resources.ts";
import type { SendOptions } from "./send.ts";
import { startLoopbackServer } from "./testing/loopback-server.ts";
import type { CertificateOrder } from "./testing/pki.ts";
import { startRelay } from "./testing/relay.ts";

const configMaps = resourceType("v1/configmaps", "ConfigMap", "namespaced");
const where = { namespace: "default", name: "a" };
const object = { apiVersion: "v1", kind: "ConfigMap", metadata: where };

async function clientOf(
  t: TestContext,
  listener: RequestListener,
  options: Partial<SendOptions> & { order?: Partial<CertificateOrder>; change?: Partial<ClusterAccess> } = {},
) {
  const { order, change, ...send } = options;
  const loopback = await startLoopbackServer(listener, order);
  const client = createKubeClient({ access: { ...loopback.access, ...change }, userAgent: "test", ...send });
  t.after(async () => {
    client.close();
    await loopback.close();
  });
  return client;
}

/** Answers each call by the next of `answers`, the last one again and again; counts the calls. */
function inTurn(...answers: RequestListener[]): RequestListener & { calls: () => number } {
  let calls = 0;
  const listener: RequestListener = (request, response) => {
    const answer = answers[Math.min(calls, answers.length - 1)];
    calls += 1;
    answer?.(request, response);
  };
  return Object.assign(listener, { calls: () => calls });
}

const ok: RequestListener = (_, response) => response.end("{}");
const status =
  (code: number, headers: Record<string, string> = {}): RequestListener =>
  (_, response) =>
    response.writeHead(code, headers).end(JSON.stringify({ kind: "Status", message: "no", code }));
const cut: RequestListener = (request) => request.socket.destroy();

describe("a call", () => {
  it("that was refused with 429 is repeated after Retry-After, whatever its verb", async (t) => {
    const listener = inTurn(status(429, { "retry-after": "1" }), ok);
    const client = await clientOf(t, listener);
    const startedMs = Date.now();
    await client.create(configMaps, object, { namespace: "default" });
    assert.equal(listener.calls(), 2);
    assert.ok(Date.now() - startedMs >= 990);
    assert.equal(client.statistics().throttled, 1);
  });

  it("that may have been done is repeated only when that is safe", async (t) => {
    for (const failing of [cut, status(503)]) {
      const reading = inTurn(failing, ok);
      await (await clientOf(t, reading)).get(configMaps, where);
      assert.equal(reading.calls(), 2);
      const applying = inTurn(failing, ok);
      await (await clientOf(t, applying)).apply(configMaps, object, { fieldManager: "t" });
      assert.equal(applying.calls(), 2);
      const creating = inTurn(failing);
      const client = await clientOf(t, creating);
      await assert.rejects(client.create(configMaps, object, { namespace: "default" }));
      await assert.rejects(client.delete(configMaps, where));
      assert.equal(creating.calls(), 2, "one call each");
    }
  });

  it("is given up after the last attempt, with the server's words", async (t) => {
    const listener = inTurn(status(503, { "retry-after": "0" }));
    const client = await clientOf(t, listener, { maxAttempts: 3 });
    await assert.rejects(client.get(configMaps, where), { reason: "server-error", statusCode: 503, message: /no/ });
    assert.equal(listener.calls(), 3);
  });

  it("that is cancelled ends at once, waiting or under way", async (t) => {
    const client = await clientOf(t, () => undefined);
    const stop = new AbortController();
    const call = client.get(configMaps, { ...where, signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    await assert.rejects(call, { reason: "cancelled" });
    await assert.rejects(client.get(configMaps, { ...where, signal: stop.signal }), { reason: "cancelled" });
  });

  it("with too large an answer fails instead of eating the memory", async (t) => {
    const client = await clientOf(t, (_, response) => {
      const chunk = Buffer.alloc(1024 * 1024, "x");
      const more = () => {
        while (response.write(chunk));
      };
      response.on("drain", more);
      more();
    });
    await assert.rejects(client.get(configMaps, where), { reason: "too-large" });
  });

  it("tells a certificate that expired, is for another name, or comes from another CA", async (t) => {
    const expired = await clientOf(t, ok, { order: { days: -1 } });
    await assert.rejects(expired.get(pods, where), { reason: "server-certificate-expired" });
    const renamed = await clientOf(t, ok, { order: { alternativeNames: "DNS:other" } });
    await assert.rejects(renamed.get(pods, where), { reason: "server-certificate-wrong-name" });
    const named = await clientOf(t, ok, {
      order: { alternativeNames: "DNS:other" },
      change: { tlsServerName: "other" },
    });
    await named.get(pods, where);
    const untrusted = await clientOf(t, ok, { change: { caPem: undefined } });
    await assert.rejects(untrusted.get(pods, where), { reason: "server-certificate-untrusted" });
  });

  it("to nobody, to a black hole and to another protocol says which it is", async (t) => {
    const closed = await clientOf(t, ok, { change: { server: "https://127.0.0.1:1" }, maxAttempts: 1 });
    await assert.rejects(closed.get(pods, where), {
      reason: "unreachable",
      reached: false,
      message: /nothing listens/,
    });
    const relay = await startRelay(1);
    relay.hold();
    t.after(relay.close);
    const hole = await clientOf(t, ok, {
      change: { server: `https://127.0.0.1:${relay.port}` },
      maxAttempts: 1,
      connectTimeoutMs: 300,
    });
    await assert.rejects(hole.get(pods, where), { reason: "unreachable", reached: false, message: /300 ms/ });
    const plain = createHttpServer((_, response) => response.end("hello"));
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    t.after(() => plain.close());
    const port = (plain.address() as { port: number }).port;
    const http = await clientOf(t, ok, { change: { server: `https://127.0.0.1:${port}` }, maxAttempts: 1 });
    await assert.rejects(http.get(pods, where), { reason: "protocol" });
  });

  it("uses a renewed token from the next call on", async (t) => {
    const seen: (string | undefined)[] = [];
    let token = "one";
    const client = await clientOf(
      t,
      (request, response) => {
        seen.push(request.headers.authorization);
        response.end("{}");
      },
      { change: { credential: { kind: "token", token: () => token } } },
    );
    await client.get(configMaps, where);
    token = "two";
    await client.get(configMaps, where);
    assert.deepEqual(seen, ["Bearer one", "Bearer two"]);
  });

  it("can't leave its path by a name", async (t) => {
    const client = await clientOf(t, ok);
    for (const name of ["../secrets/x", "a/b", "", ".", "..", "a?b", "a%2f"]) {
      await assert.rejects(client.get(configMaps, { namespace: "default", name }), TypeError);
    }
  });
});
