import { setTimeout as sleep } from "node:timers/promises";
import { agentRenew, LinkError, type LinkHandler } from "@wcs/api/agent-link";
import { backOffMs } from "./back-off.ts";
import { expiryOf, readIdentity, renewalKey, writeIdentity, type Identity } from "./identity.ts";
import { joinServer } from "./join-server.ts";
import type { LinkConfig } from "./link-config.ts";
import { connectToServer, type ServerCaller, type ServerConnection } from "./server-connection.ts";
import { createUplink, type CallServer } from "./uplink.ts";

/** The agent's links as `wcs-agent status` shows them. */
export type LinkStatus = Readonly<{
  joined: boolean;
  certificateUntil: string | null;
  servers: readonly Readonly<{ address: string; server: string | null; since: string | null }>[];
}>;

/** The agent's end of the links: to every server at once, so that the loss of one costs no more than what was under way there. */
export type AgentLink = Readonly<{ callServer: CallServer; status: () => LinkStatus; close: () => Promise<void> }>;

export type LinkOptions = Readonly<{
  config: LinkConfig;
  host: string;
  stateFolder: string;
  version: string;
  startedAt: string;
  handlers: readonly LinkHandler<ServerCaller>[];
  log: (line: string) => void;
}>;

type Place = {
  readonly stop: AbortController;
  running: Promise<void>;
  server: string | null;
  since: string | null;
};

const lookMs = 1_000;
const renewTimeoutMs = 15_000;
/** A link that lived this long was good: the next failure is the first again. */
const goodAfterMs = 10_000;
/** How long an old connection is kept for what is open on it while the new one is not greeted. */
const retireAfterMs = 15_000;
const parkMs = 3_000;

/** Joins when a token lies ready, keeps the certificate fresh, and keeps a connection to every server that it knows. */
export async function startLink(options: LinkOptions): Promise<AgentLink> {
  const { config, host, stateFolder, log } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const places = new Map<string, Place>();
  let learned: readonly string[] = [];
  let identity = await readIdentity(stateFolder);
  let replaced = Promise.withResolvers<void>();

  const setIdentity = (next: Identity): void => {
    identity = next;
    replaced.resolve();
    replaced = Promise.withResolvers();
  };
  const isConnected = (address: string): boolean => places.get(address)?.server !== null;
  const uplink = createUplink({
    identity: () => identity,
    addresses: () => [...places.keys()].sort((a, b) => Number(isConnected(b)) - Number(isConnected(a))),
    signal,
  });

  const setServers = (servers: readonly Readonly<{ address: string }>[]): void => {
    learned = servers.map(({ address }) => address);
    const wanted = new Set([...learned, ...config.servers]);
    for (const [address, place] of places) {
      if (wanted.has(address)) continue;
      place.stop.abort();
      places.delete(address);
    }
    for (const address of wanted) {
      if (places.has(address) || signal.aborted) continue;
      const place: Place = { stop: new AbortController(), running: Promise.resolve(), server: null, since: null };
      places.set(address, place);
      place.running = keepConnected(address, place).catch((error: unknown) => {
        log(`link: ${address} is given up: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      });
    }
  };

  /** The same server may be known by an address of the configuration and by its own: one connection is enough. */
  const isDouble = (address: string, server: string): boolean =>
    !learned.includes(address) &&
    [...places].some(([other, place]) => other !== address && place.server === server && learned.includes(other));

  const keepConnected = async (address: string, place: Place): Promise<void> => {
    const until = AbortSignal.any([signal, place.stop.signal]);
    const pause = async (ms: number): Promise<void> => {
      await sleep(ms, undefined, { signal: until }).catch(() => undefined);
    };
    const gone = aborted(until);
    let old: ServerConnection | null = null;
    let failures = 0;
    let lastReason = "";
    while (!until.aborted) {
      const own = identity;
      if (own === null) {
        await Promise.race([replaced.promise, pause(lookMs)]);
        continue;
      }
      const changed = replaced.promise;
      const begunMs = performance.now();
      let reason = "the server closed the connection (is the certificate revoked or expired?)";
      const connection: ServerConnection | null = await connectToServer({
        ...options,
        address,
        identity: own,
        about: { host, startedAt: options.startedAt, version: options.version },
        onServers: ({ servers }) => setServers(servers),
        signal: until,
      }).catch((error: unknown) => {
        reason = error instanceof LinkError ? error.message : String(error);
        return null;
      });
      const server =
        connection === null ? null : await Promise.race([connection.greeted, pause(retireAfterMs).then(() => null)]);
      if (old !== null) retireSoon(old, gone);
      old = null;
      if (connection !== null && server !== null) {
        if (isDouble(address, server)) {
          connection.retire();
          await pause(parkMs);
          continue;
        }
        place.server = server;
        place.since = new Date().toISOString();
        lastReason = "";
        log(`link: connected to ${server} at ${address}`);
        await Promise.race([connection.ended, changed, gone]);
        place.server = null;
        place.since = null;
        if (identity !== own && !until.aborted) {
          old = connection;
          continue;
        }
        reason = "the connection broke";
      }
      connection?.drop();
      if (until.aborted) break;
      failures = performance.now() - begunMs > goodAfterMs ? 0 : failures + 1;
      if (reason !== lastReason) log(`link: ${address}: ${reason}`);
      lastReason = reason;
      // A new certificate is worth another trial at once.
      await Promise.race([pause(backOffMs(failures, Math.random())), changed]);
    }
    old?.drop();
  };

  const keepIdentity = async (): Promise<void> => {
    const pause = async (ms: number): Promise<void> => {
      await sleep(ms, undefined, { signal }).catch(() => undefined);
    };
    let failures = 0;
    let share = renewalShare();
    while (!signal.aborted) {
      const outcome = await joinServer({ config, host, stateFolder, signal, log }).catch((error: unknown) => {
        log(`link: can't join: ${String(error)}`);
        return "later" as const;
      });
      if (typeof outcome === "object") {
        setIdentity(outcome.identity);
        setServers(outcome.servers);
        failures = 0;
        continue;
      }
      const dueMs =
        identity === null ? Infinity : identity.receivedMs + (expiryOf(identity) - identity.receivedMs) * share;
      if (Date.now() >= dueMs) {
        try {
          await renew();
          failures = 0;
          share = renewalShare();
          continue;
        } catch (error) {
          if (failures === 0) log(`link: the certificate can't be renewed: ${String(error)}`);
          failures += 1;
        }
      } else if (outcome === "none") failures = 0;
      else failures += 1;
      const waitMs =
        failures === 0 ? Math.min(lookMs, Math.max(10, dueMs - Date.now())) : backOffMs(failures, Math.random());
      await pause(Math.min(waitMs, failures === 0 ? lookMs : 5_000));
    }
  };

  const renew = async (): Promise<void> => {
    const order = renewalKey(host);
    const { publicKey, proof } = order;
    const answer = await uplink.call(agentRenew, { publicKey, proof }, { timeoutMs: renewTimeoutMs, signal });
    const next = {
      key: order.key,
      certificate: answer.certificate,
      authorities: answer.authorities,
      receivedMs: Date.now(),
    };
    await writeIdentity(stateFolder, next);
    setIdentity(next);
    setServers(answer.servers);
  };

  setServers([]);
  const keeping = keepIdentity();
  return {
    callServer: uplink.call,
    status: () => ({
      joined: identity !== null,
      certificateUntil: identity === null ? null : new Date(expiryOf(identity)).toISOString(),
      servers: [...places].map(([address, { server, since }]) => ({ address, server, since })),
    }),
    close: async () => {
      stopping.abort();
      uplink.close();
      await Promise.all([keeping, ...[...places.values()].map(({ running }) => running)]);
    },
  };
}

/** The server may have sent a call over the old connection just before it heard of the new one. */
function retireSoon(connection: ServerConnection, agentEnds: Promise<void>): void {
  const timer = setTimeout(connection.retire, 2_000);
  void connection.ended.then(() => clearTimeout(timer));
  void agentEnds.then(connection.drop);
}

/** A certificate is renewed after about half of its time, at a random moment, so that agents that joined together do not renew together. */
const renewalShare = (): number => 0.45 + Math.random() * 0.1;

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
}
