import assert from "node:assert/strict";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type AddressInfo } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { after, before, describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Type } from "typebox";
import { startLink, type AgentLink } from "@wcs/agent/link";
import { agentOperations } from "@wcs/api/agent";
import {
  defineCall,
  defineStream,
  formatJoinToken,
  LinkError,
  linkProtocol,
  onCall,
  onStream,
  parseJoinToken,
} from "@wcs/api/agent-link";
import { auditOperations } from "@wcs/api/audit";
import { changeEstate } from "@wcs/api/estate";
import { startRelay } from "@wcs/kube/testing";
import { createAgentLinks, type AgentLinks } from "@wcs/server/agent-link";
import {
  createMetrics,
  startTestPostgres,
  startTestServer,
  type TestDatabase,
  type TestPostgres,
  type TestServer,
} from "@wcs/server/testing";

const [, getAgent, createToken, revokeAgent] = agentOperations;
const whoAmI = defineCall("test.who-am-i", { request: Type.Object({}), answer: Type.Object({ host: Type.String() }) });
const ask = defineCall("test.ask", {
  request: Type.Object({ text: Type.String() }),
  answer: Type.Object({ text: Type.String() }),
});
const pipe = defineStream("test.pipe", { request: Type.Object({}), answer: Type.Object({}) });
const scopeOfHost = async () => ({ business: null, environment: "sit", dcnGroup: null });

/** One more server's end of the links, on the database of the running one. */
type LinkServer = Readonly<{ links: AgentLinks; address: string; stop: () => Promise<void> }>;
type Agent = Readonly<{ link: AgentLink; folder: string; tokenFile: string; log: string[]; stop: () => Promise<void> }>;

async function until(what: string, holds: () => boolean | Promise<boolean>, mostMs = 15_000): Promise<void> {
  const end = performance.now() + mostMs;
  while (!(await holds())) {
    assert.ok(performance.now() < end, `not within ${mostMs} ms: ${what}`);
    await sleep(20);
  }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "done";
  } catch (error) {
    assert.ok(error instanceof LinkError, String(error));
    return error.code;
  }
}

describe("the link between a host's agent and the servers", { timeout: 120_000 }, () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let server: TestServer;
  before(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    server = await startTestServer(database, { env: { WCS_LOG_LEVEL: "error" } });
    const capacity = { cpuMilli: 1000, memoryMiB: 1024 };
    const documents = [
      { kind: "City", name: "shenzhen" },
      { kind: "IDC", name: "idc1", spec: { city: "shenzhen" } },
      { kind: "Rack", name: "r1", spec: { idc: "idc1" } },
      { kind: "Area", name: "core", spec: { external: false } },
      {
        kind: "Subnet",
        name: "r1-core",
        spec: { rack: "r1", area: "core", cidr: "10.71.1.0/24", gateway: "10.71.1.254" },
      },
      { kind: "Environment", name: "sit", spec: { ticketRequired: false, approvals: 0 } },
      { kind: "Cluster", name: "c1", spec: { idc: "idc1", environment: "sit" } },
      ...Array.from({ length: 20 }, (_, index) => ({
        kind: "Host",
        name: `h${index}`,
        spec: { rack: "r1", cluster: "c1", addresses: { core: `10.71.1.${index + 1}` }, capacity },
      })),
    ];
    await server.admin.call(changeEstate, { body: { documents } });
  });
  after(async () => {
    await server.stop();
    await postgres.stop();
  });

  let taken = 0;
  /** Two hosts of the estate that no other test uses. */
  const newHosts = (): [string, string] => [`h${taken++}`, `h${taken++}`];

  async function startLinks(
    context: TestContext,
    options: { certificateMs?: number; name?: string; port?: number; address?: string } = {},
  ): Promise<LinkServer> {
    const { platform } = server.running;
    const stopping = new AbortController();
    const config = {
      ...platform.config,
      agentListen: { host: "127.0.0.1", port: options.port ?? 0 },
      agentAddress: options.address ?? null,
      agentCertificateMs: options.certificateMs ?? 3_600_000,
    };
    const name = options.name ?? "s1";
    // A metric's name may stand once in a registry: each server has its own, as each process has.
    const links = createAgentLinks({ ...platform, config, holder: name, metrics: createMetrics() }, scopeOfHost);
    links.handle(onCall(whoAmI, async ({ context: { host } }) => ({ host })));
    const running = links.run(stopping.signal);
    await until("the server listens", () => links.port() !== null);
    let stopped = false;
    const stop = async (): Promise<void> => {
      if (stopped) return;
      stopped = true;
      stopping.abort();
      await running;
    };
    context.after(stop);
    return { links, address: `127.0.0.1:${links.port()}`, stop };
  }

  async function startAgent(
    context: TestContext,
    options: { servers: readonly string[]; host: string; token?: string; folder?: string },
  ): Promise<Agent> {
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), "wcs-link-"));
    const tokenFile = join(folder, "token");
    if (options.token !== undefined) writeFileSync(tokenFile, `${options.token}\n`);
    const log: string[] = [];
    const link = await startLink({
      config: { servers: options.servers, joinTokenFile: tokenFile },
      host: options.host,
      stateFolder: folder,
      version: "test",
      startedAt: new Date().toISOString(),
      handlers: [
        onCall(ask, async ({ body, context: { server } }) => ({ text: `${body.text} ${server}` })),
        onStream(pipe, async ({ signal }) => ({
          answer: {},
          run: async (stream) => {
            stream.pipe(stream);
            await Promise.race([once(stream, "end"), once(signal, "abort")]);
          },
        })),
      ],
      log: (line) => log.push(line),
    });
    let stopped = false;
    const stop = async (): Promise<void> => {
      if (!stopped) await link.close();
      stopped = true;
    };
    context.after(async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    });
    return { link, folder, tokenFile, log, stop };
  }

  async function tokenFor(host: string, lifetimeMinutes = 10): Promise<string> {
    const { body } = await server.admin.call(createToken, {
      params: { name: host },
      query: {},
      body: { lifetimeMinutes },
    });
    return body.text;
  }

  const askHost = (links: AgentLinks, host: string) =>
    links.call({ host, method: ask, body: { text: "hello" }, timeoutMs: 2000 });
  const denials = async (name: string): Promise<unknown[]> => {
    const query = { kind: "Agent", name, act: "agents.join", limit: 100 };
    const { body } = await server.admin.call(auditOperations[0], { query });
    return body.items
      .filter(({ outcome }) => outcome === "denied")
      .map(({ after }) => (after as { refused: string }).refused);
  };

  it("is made by a token, carries calls both ways, and says who the agent is by its certificate alone", async (context) => {
    const [h1, h2] = newHosts();
    const one = await startLinks(context);
    assert.equal(await codeOf(askHost(one.links, h1)), "link.away");
    const agent = await startAgent(context, { servers: [one.address], host: h1, token: await tokenFor(h1) });
    await until("the agent is linked", () => one.links.isLinked(h1));
    assert.deepEqual(await askHost(one.links, h1), { text: "hello s1" });
    assert.deepEqual(await agent.link.callServer(whoAmI, {}, { timeoutMs: 2000 }), { host: h1 });
    assert.ok(!existsSync(agent.tokenFile), "the used token is removed");
    await until("the table has the link", async () => {
      const { body } = await server.admin.call(getAgent, { params: { name: h1 } });
      return body.state === "joined" && body.links.some(({ server }) => server === "s1");
    });

    // Another host's agent that calls itself h1 by the certificate of h2.
    const thief = await startAgent(context, { servers: [one.address], host: h2, token: await tokenFor(h2) });
    await until("h2 is linked", () => one.links.isLinked(h2));
    await thief.stop();
    const liar = await startAgent(context, { servers: [one.address], host: h1, folder: thief.folder });
    await until("it is sent away", () =>
      liar.log.some((line) => line.includes("closed the connection") || line.includes("broke")),
    );
    assert.deepEqual(await askHost(one.links, h1), { text: "hello s1" }, "h1 is still h1");
    assert.deepEqual(await liar.link.callServer(whoAmI, {}, { timeoutMs: 2000 }), { host: h2 });
  });

  it("is refused for a wrong, foreign, expired or used token, and every attempt is in the audit", async (context) => {
    const [h1, h2] = newHosts();
    const one = await startLinks(context);
    const refusedFor = async (token: string, host: string): Promise<Agent> => {
      const agent = await startAgent(context, { servers: [one.address], host, token });
      await until("the token is put aside", () => existsSync(`${agent.tokenFile}.refused`));
      assert.ok(!one.links.isLinked(host));
      await agent.stop();
      return agent;
    };
    const token = await tokenFor(h1);
    const parts = parseJoinToken(token) ?? assert.fail();
    const { secret } = parts;
    await refusedFor(formatJoinToken({ ...parts, secret: secret.replace(/^./, (c) => (c === "A" ? "B" : "A")) }), h1);
    await refusedFor(token, h2);
    const { rows } = await database.owner.query("SELECT hash, used_at FROM agent_join_tokens WHERE host = $1", [h1]);
    assert.equal(rows.length, 1);
    assert.ok(!JSON.stringify(rows).includes(secret) && rows[0].used_at === null, "the secret is nowhere in the table");
    const good = await startAgent(context, { servers: [one.address], host: h1, token });
    await until("the real one joins", () => one.links.isLinked(h1));
    await good.stop();
    await refusedFor(token, h1);
    const late = await tokenFor(h1);
    await database.owner.query("UPDATE agent_join_tokens SET expires_at = now() WHERE used_at IS NULL");
    await refusedFor(late, h1);
    assert.deepEqual((await denials(h1)).toReversed(), [
      "the secret is wrong",
      `the token is for ${h1}`,
      "the token was used before",
      "the token has expired",
    ]);
    // A server of another authority is not even asked.
    const other = formatJoinToken({ ...parts, authority: Buffer.alloc(32, 7).toString("base64url") });
    const wary = await startAgent(context, { servers: [one.address], host: h1, token: other });
    await until("it says so", () => wary.log.some((line) => line.includes("is not the server of this token")));
    assert.ok(existsSync(wary.tokenFile));
  });

  it("is made although the answer to the first join was lost", async (context) => {
    const [h1] = newHosts();
    const one = await startLinks(context);
    const token = await tokenFor(h1);
    const first = await startAgent(context, { servers: [one.address], host: h1, token });
    await until("it joins", () => one.links.isLinked(h1));
    await first.stop();
    // As after a crash between the server's commit and the agent's write: the key is there, the certificate is not.
    const kept = JSON.parse(readFileSync(join(first.folder, "link-identity.json"), "utf8")) as { key: string };
    rmSync(join(first.folder, "link-identity.json"));
    writeFileSync(join(first.folder, "link-join-key.pem"), kept.key);
    const again = await startAgent(context, { servers: [one.address], host: h1, folder: first.folder, token });
    await until("it joins again by the same key", () => one.links.isLinked(h1));
    await again.stop();
  });

  it("is for nobody without a good certificate, and ends when the certificate does", async (context) => {
    const [h1] = newHosts();
    const one = await startLinks(context, { certificateMs: 3_000 });
    const refused = async (options: { key?: string; cert?: string }): Promise<void> => {
      const [host = "", port] = one.address.split(":");
      const socket: TLSSocket = connect({
        host,
        port: Number(port),
        ...options,
        rejectUnauthorized: false,
        ALPNProtocols: [linkProtocol],
      });
      socket.on("error", () => undefined);
      socket.on("data", () => undefined);
      await Promise.race([once(socket, "close"), sleep(5000).then(() => assert.fail("it was not closed"))]);
    };
    await refused({});
    const { createAuthority } = await import("@wcs/kube/testing");
    const folder = mkdtempSync(join(tmpdir(), "wcs-other-"));
    context.after(() => rmSync(folder, { recursive: true, force: true }));
    const other = await createAuthority(folder);
    const { certificatePem, keyPem } = await other.issue({
      name: h1,
      subject: `/CN=${h1}`,
      alternativeNames: `URI:wcs://agent/${h1}`,
    });
    await refused({ key: keyPem, cert: certificatePem });

    const agent = await startAgent(context, { servers: [one.address], host: h1, token: await tokenFor(h1) });
    await until("it is linked", () => one.links.isLinked(h1));
    const copy = mkdtempSync(join(tmpdir(), "wcs-copy-"));
    context.after(() => rmSync(copy, { recursive: true, force: true }));
    cpSync(agent.folder, copy, { recursive: true });
    const { key, certificate } = JSON.parse(readFileSync(join(copy, "link-identity.json"), "utf8")) as Record<
      string,
      string
    >;
    await agent.stop();
    // The socket of a client that never renews: it is let in, and cut when the certificate ends.
    const [host = "", port] = one.address.split(":");
    const socket = connect({
      host,
      port: Number(port),
      key,
      cert: certificate,
      rejectUnauthorized: false,
      ALPNProtocols: [linkProtocol],
    });
    socket.on("error", () => undefined);
    socket.on("data", () => undefined);
    await once(socket, "secureConnect");
    await Promise.race([once(socket, "close"), sleep(8000).then(() => assert.fail("it outlived its certificate"))]);
    await refused({ key: key ?? "", cert: certificate ?? "" });
    await until("the link is gone", () => !one.links.isLinked(h1));
  });

  it("renews its certificate before it ends, again and again, and no call fails meanwhile", async (context) => {
    const [h1] = newHosts();
    const one = await startLinks(context, { certificateMs: 2_000 });
    await startAgent(context, { servers: [one.address], host: h1, token: await tokenFor(h1) });
    await until("it is linked", () => one.links.isLinked(h1));
    const serials = new Set<string>();
    await until("it has its third certificate", async () => {
      assert.deepEqual(await askHost(one.links, h1), { text: "hello s1" });
      const { body } = await server.admin.call(getAgent, { params: { name: h1 } });
      serials.add(body.certificate?.serial ?? "");
      return serials.size >= 3;
    });
  });

  it("ends at once when the agent is revoked or its host deleted, with all that is open on it", async (context) => {
    const [h1] = newHosts();
    const one = await startLinks(context);
    const agent = await startAgent(context, { servers: [one.address], host: h1, token: await tokenFor(h1) });
    await until("it is linked", () => one.links.isLinked(h1));
    const open = async () => {
      const { stream } = await one.links.open({ host: h1, method: pipe, body: {}, timeoutMs: 2000 });
      stream.on("error", () => undefined);
      stream.resume();
      let isClosed = false;
      stream.once("close", () => (isClosed = true));
      return () => until("the open stream is closed", () => isClosed);
    };
    const closed = await open();
    const begun = performance.now();
    await server.admin.call(revokeAgent, { params: { name: h1 }, query: {}, reason: "stolen" });
    await closed();
    await until("the link is gone", () => !one.links.isLinked(h1));
    const tookMs = performance.now() - begun;
    assert.ok(tookMs < 3000, `${tookMs} ms`);
    await sleep(600);
    assert.ok(!one.links.isLinked(h1), "it does not come back");
    assert.equal(await codeOf(agent.link.callServer(whoAmI, {}, { timeoutMs: 1000 })), "link.cut");

    writeFileSync(agent.tokenFile, await tokenFor(h1));
    await until("a new token lets it in", () => one.links.isLinked(h1));
    const closedAgain = await open();
    await server.admin.call(changeEstate, { body: { documents: [], deletions: [{ kind: "Host", name: h1 }] } });
    await closedAgain();
    await until("the deleted host's link is gone", () => !one.links.isLinked(h1));
  });

  it("is to every server: one may go, another come, and calls go on", async (context) => {
    const [h1] = newHosts();
    const one = await startLinks(context, { name: "s1" });
    const two = await startLinks(context, { name: "s2" });
    const agent = await startAgent(context, { servers: [one.address], host: h1, token: await tokenFor(h1) });
    await until("both have it", () => one.links.isLinked(h1) && two.links.isLinked(h1));
    assert.deepEqual(await askHost(two.links, h1), { text: "hello s2" });
    await one.stop();
    assert.deepEqual(await askHost(two.links, h1), { text: "hello s2" });
    assert.deepEqual(
      await agent.link
        .callServer(whoAmI, {}, { timeoutMs: 5000 })
        .catch(() => agent.link.callServer(whoAmI, {}, { timeoutMs: 5000 })),
      { host: h1 },
    );
    const three = await startLinks(context, { name: "s3" });
    await until("the third is learned of", () => three.links.isLinked(h1));
    assert.deepEqual(await askHost(three.links, h1), { text: "hello s3" });
    await until("the table follows", async () => {
      const { body } = await server.admin.call(getAgent, { params: { name: h1 } });
      return JSON.stringify(body.links.map(({ server }) => server)) === '["s2","s3"]';
    });
  });

  it("comes back by itself when the network was cut or silent", async (context) => {
    const [h1] = newHosts();
    const free = createServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const { port } = free.address() as AddressInfo;
    await once(free.close(), "close");
    const relay = await startRelay(port);
    context.after(() => relay.close());
    const one = await startLinks(context, { port, address: `127.0.0.1:${relay.port}` });
    const agent = await startAgent(context, {
      servers: [`127.0.0.1:${relay.port}`],
      host: h1,
      token: await tokenFor(h1),
    });
    await until("it is linked", () => one.links.isLinked(h1));
    const { stream } = await one.links.open({ host: h1, method: pipe, body: {}, timeoutMs: 2000 });
    stream.on("error", () => undefined);
    stream.resume();
    let isClosed = false;
    stream.once("close", () => (isClosed = true));
    relay.cut();
    await until("the open stream is closed", () => isClosed);
    relay.pass();
    await until("it is linked again", () => one.links.isLinked(h1));
    await until("and answers", async () => (await codeOf(askHost(one.links, h1))) === "done");
    assert.ok(agent.log.length < 20, "and does not fill the log");
  });
});
