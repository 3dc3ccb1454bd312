import type { X509Certificate } from "node:crypto";
import { connect, performServerHandshake, type ServerHttp2Session } from "node:http2";
import { createServer, type TLSSocket } from "node:tls";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import {
  createLinkPeer,
  keepAlive,
  linkHello,
  linkProtocol,
  serveLink,
  uplinkProtocol,
  usualKeepAlive,
  type LinkHandler,
} from "@wcs/api/agent-link";
import type { Log } from "../program/log.ts";
import { hostOfCertificate, serverCertificateMs, type AgentAuthority } from "./agent-authority.ts";
import type { AgentConnection, HostLink, LinkRegistry } from "./link-registry.ts";

/** Who calls a server over its link: a host's agent by its certificate; null only where an agent joins. */
export type AgentCaller = Readonly<{ host: string; serial: string; from: string }>;

/** The body of the first call on a link and of every later word about the servers. */
export type ServerList = Readonly<{ server: string; servers: readonly Readonly<{ name: string; address: string }>[] }>;

export type LinkListenerOptions = Readonly<{
  listen: Readonly<{ host: string; port: number }>;
  /** This server's name. */
  name: string;
  authority: AgentAuthority;
  /** The host of a certificate that counts now; null when it is unknown, revoked or expired. */
  hostOf: (certificate: Readonly<{ serial: string; fingerprint: string }>) => Promise<string | null>;
  handlers: readonly LinkHandler<AgentCaller>[];
  /** For callers without a certificate. */
  joinHandler: LinkHandler<Readonly<{ from: string }>>;
  registry: LinkRegistry;
  /** Every connection that was let in by a certificate, so that it can be ended with it. */
  connections: Set<AgentConnection>;
  servers: () => ServerList;
  /** Told why a connection was refused. */
  onRefused: (reason: string) => void;
  log: Log;
}>;

/** A listener for agents. */
export type LinkListener = Readonly<{ port: number; close: () => Promise<void> }>;

/** Calls to one agent that are open at once, and how many agents' calls a server takes from one. */
const mostCallsToAgent = 500;
const mostCallsFromAgent = 32;
const helloTimeoutMs = 10_000;
const handshakeTimeoutMs = 10_000;
/** A connection without a certificate may join, within this time. */
const joinTimeoutMs = 15_000;
const mostConnections = 50_000;
const joinsPerMinute = 30;
const longestTimerMs = 2 ** 31 - 1;
const renewEveryMs = serverCertificateMs / 7;

/**
 * Listens for agents. TLS 1.3; a client certificate of our authority is required for all but joining. Which of the two connections of an agent it is, ALPN says: over one
 * this server calls the agent (it is HTTP/2's client on it, though the agent opened it), over the other the agent calls this server.
 */
export async function startLinkListener(options: LinkListenerOptions): Promise<LinkListener> {
  const { authority, name, log } = options;
  const own = await authority.issueForServer(name);
  const server = createServer({
    cert: own.certificatePem,
    key: own.keyPem,
    ca: authority.certificatePem,
    requestCert: true,
    // An agent that joins has none; every other is refused below.
    rejectUnauthorized: false,
    minVersion: "TLSv1.3",
    ALPNProtocols: [linkProtocol, uplinkProtocol],
    handshakeTimeout: handshakeTimeoutMs,
  });
  server.maxConnections = mostConnections;
  const sockets = new Set<TLSSocket>();
  const joins = createLimit(joinsPerMinute);
  server.on("secureConnection", (socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    const refuse = (reason: string): void => {
      options.onRefused(reason);
      log.warn({ from: socket.remoteAddress, reason }, "a connection to the agents' port was refused");
      socket.destroy();
    };
    accept(socket, { options, joins, refuse }).catch((error: unknown) => {
      log.error({ err: error }, "a connection of an agent failed");
      socket.destroy();
    });
  });
  server.on("tlsClientError", (error, socket) => {
    options.onRefused("tls");
    log.debug({ reason: error.message }, "a TLS handshake at the agents' port failed");
    socket.destroy();
  });
  server.listen(options.listen.port, options.listen.host);
  await once(server, "listening");
  const renewing = setInterval(() => {
    authority.issueForServer(name).then(
      ({ certificatePem, keyPem }) =>
        server.setSecureContext({
          cert: certificatePem,
          key: keyPem,
          ca: authority.certificatePem,
          minVersion: "TLSv1.3",
        }),
      (error: unknown) => log.error({ err: error }, "this server's certificate for agents can't be renewed"),
    );
  }, renewEveryMs);
  renewing.unref();
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      clearInterval(renewing);
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

type Accepting = Readonly<{
  options: LinkListenerOptions;
  joins: (key: string) => boolean;
  refuse: (reason: string) => void;
}>;

async function accept(socket: TLSSocket, { options, joins, refuse }: Accepting): Promise<void> {
  const from = socket.remoteAddress ?? "unknown";
  const { alpnProtocol } = socket;
  if (alpnProtocol !== linkProtocol && alpnProtocol !== uplinkProtocol) return refuse("no protocol in common");
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) {
    if (alpnProtocol === linkProtocol) return refuse("no certificate");
    if (!joins(from)) return refuse("too many joins");
    return serveJoin(socket, options, from);
  }
  const caller = await callerOf(socket, certificate, options);
  if (typeof caller === "string") return refuse(caller);
  if (socket.destroyed) return;
  // A connection may outlive its certificate's time: it does not.
  const untilExpiry = certificate.validToDate.getTime() - Date.now();
  const expiring = setTimeout(() => socket.destroy(), Math.min(untilExpiry, longestTimerMs));
  const connection: AgentConnection = {
    ...caller,
    drop: (reason) => {
      options.log.info({ host: caller.host, reason }, "a connection of an agent is dropped");
      socket.destroy();
    },
  };
  options.connections.add(connection);
  socket.once("close", () => {
    clearTimeout(expiring);
    options.connections.delete(connection);
  });
  if (alpnProtocol === linkProtocol) await holdLink(socket, options, { connection, from });
  else serveUplink(socket, options, { ...caller, from });
}

/** The agent that a certificate stands for, or why it stands for none. */
async function callerOf(
  socket: TLSSocket,
  certificate: X509Certificate,
  { hostOf }: LinkListenerOptions,
): Promise<Readonly<{ host: string; serial: string }> | string> {
  if (!socket.authorized) return `certificate: ${String(socket.authorizationError)}`;
  // A resumed TLS session is not checked again by TLS.
  if (certificate.validToDate.getTime() <= Date.now()) return "certificate: it has expired";
  const host = hostOfCertificate(certificate);
  if (host === null) return "certificate: it is no agent's";
  const serial = certificate.serialNumber;
  const known = await hostOf({ serial, fingerprint: certificate.fingerprint256 });
  return known === host ? { host, serial } : "certificate: it is revoked, or not known";
}

/** The connection over which this server calls the agent. It counts once the agent has said hello. */
async function holdLink(
  socket: TLSSocket,
  options: LinkListenerOptions,
  { connection, from }: Readonly<{ connection: AgentConnection; from: string }>,
): Promise<void> {
  const { host } = connection;
  const { registry, log, servers } = options;
  const session = connect("https://agent", {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: 256 * 1024 },
    maxSessionMemory: 128,
  });
  session.on("error", (error) => log.debug({ reason: error.message, host }, "a link broke"));
  session.once("close", () => socket.destroy());
  keepAlive(session, usualKeepAlive);
  const peer = createLinkPeer(session, mostCallsToAgent);
  const body = servers();
  const hello = await peer
    .call(linkHello, { ...body, servers: [...body.servers] }, { timeoutMs: helloTimeoutMs })
    .catch((error: unknown) => {
      log.warn({ host, reason: String(error) }, "an agent did not say hello");
      session.destroy();
      return null;
    });
  if (hello === null) return;
  if (hello.host !== host) {
    log.error({ host, says: hello.host }, "an agent calls itself otherwise than its certificate");
    session.destroy();
    return;
  }
  const link: HostLink = {
    ...connection,
    since: new Date(),
    peer,
  };
  registry.add(link);
  session.once("close", () => registry.remove(link));
  if (session.destroyed) registry.remove(link);
  log.info({ host, from, version: hello.version }, "an agent is linked");
}

/** The connection over which the agent calls this server. */
function serveUplink(socket: TLSSocket, options: LinkListenerOptions, caller: AgentCaller): void {
  const session = handshake(socket, mostCallsFromAgent);
  keepAlive(session, usualKeepAlive);
  serveLink(session, {
    handlers: options.handlers,
    context: caller,
    onBug: (method, error) => options.log.error({ err: error, method, host: caller.host }, "a call of an agent failed"),
  });
}

function serveJoin(socket: TLSSocket, options: LinkListenerOptions, from: string): void {
  const session = handshake(socket, 1);
  setTimeout(() => session.destroy(), joinTimeoutMs).unref();
  serveLink(session, {
    handlers: [options.joinHandler],
    context: { from },
    onBug: (method, error) => options.log.error({ err: error, method, from }, "a join failed"),
  });
}

function handshake(socket: TLSSocket, maxConcurrentStreams: number): ServerHttp2Session {
  const session = performServerHandshake(socket, {
    settings: { maxConcurrentStreams, initialWindowSize: 256 * 1024 },
    maxSessionMemory: 32,
  });
  session.on("error", () => session.destroy());
  session.once("close", () => socket.destroy());
  return session;
}

/** At most `perMinute` of each key; a key is forgotten after its minute. */
function createLimit(perMinute: number): (key: string) => boolean {
  const counts = new Map<string, { count: number; until: number }>();
  const mostKeys = 10_000;
  return (key) => {
    const now = performance.now();
    if (counts.size > mostKeys) for (const [old, { until }] of counts) if (until < now) counts.delete(old);
    if (counts.size > mostKeys) return false;
    const entry = counts.get(key);
    if (entry === undefined || entry.until < now) {
      counts.set(key, { count: 1, until: now + 60_000 });
      return true;
    }
    entry.count += 1;
    return entry.count <= perMinute;
  };
}
