import { Counter } from "prom-client";
import { agentJoin, agentRenew, linkHello, onCall, type LinkHandler } from "@wcs/api/agent-link";
import type { Scope } from "@wcs/core/access-rights";
import { transaction } from "../database/transaction.ts";
import type { Query } from "../database/database.ts";
import { logEnd } from "../events/watch-log.ts";
import type { Platform } from "../program/platform.ts";
import { openAgentAuthority, type AgentAuthority } from "./agent-authority.ts";
import { validCertificates } from "./agent-store.ts";
import { agentKind, joinAgent, renewCertificate, type JoinEnvironment } from "./join-agent.ts";
import { startLinkListener, type AgentCaller } from "./link-listener.ts";
import { createLinkRegistry, type AgentCalls, type AgentConnection } from "./link-registry.ts";
import { createServerDirectory } from "./server-directory.ts";

/** The agent links of this server as other features use them. */
export type AgentLinks = AgentCalls &
  Readonly<{
    /** Serves a method to agents; before the server starts. The caller's host is its certificate's, whatever a body says. */
    handle: (handler: LinkHandler<AgentCaller>) => void;
    authority: () => Promise<AgentAuthority>;
    run: (signal: AbortSignal) => Promise<void>;
    /** The port that is listened on, once it is. */
    port: () => number | null;
  }>;

const recheckMs = 5_000;
const tellTimeoutMs = 10_000;

/** Makes this server's end of the agent links. Nothing listens before `run`, and only when the configuration says where. */
export function createAgentLinks(
  platform: Platform,
  scopeOfHost: (query: Query, host: string) => Promise<Scope | null>,
): AgentLinks {
  const { config, database, log, metrics, secrets, holder, logReader } = platform;
  const handlers = new Map<string, LinkHandler<AgentCaller>>();
  const refused = new Counter({
    name: "wcs_agent_connections_refused_total",
    help: "Connections to the agents' port that were refused",
    registers: [metrics.registry],
  });
  let opened: Promise<AgentAuthority> | null = null;
  let port: number | null = null;

  const authority = (): Promise<AgentAuthority> => {
    opened ??= openAgentAuthority(database, secrets, async (work) => {
      const actor = { kind: "System", name: "wcs-server", tokenId: null } as const;
      const context = { actor, from: "local", requestId: "start", act: "agents.authority", reason: null, ticket: null };
      await transaction(database, { context }, async (tx) => await work(tx.query));
    }).catch((error: unknown) => {
      opened = null;
      throw error;
    });
    return opened;
  };

  let directoryChanged = (): void => undefined;
  const registry = createLinkRegistry(() => directoryChanged());
  metrics.gauge("wcs_agent_links", "Hosts whose agent is linked to this server", () => registry.newest().size);

  const connections = new Set<AgentConnection>();

  /** Drops the connections whose certificate counts no more: all, or those of some hosts. */
  const recheck = async (hosts: ReadonlySet<string> | null): Promise<void> => {
    const links = [...connections].filter(({ host }) => hosts === null || hosts.has(host));
    if (links.length === 0) return;
    const valid = await validCertificates(database.query, [...new Set(links.map(({ serial }) => serial))]);
    for (const link of links) {
      if (valid.get(link.serial)?.host !== link.host) link.drop("its certificate is revoked, or its host is gone");
    }
  };

  const followRevocations = async (signal: AbortSignal): Promise<void> => {
    const start = await logEnd(database.query);
    for await (const changes of logReader.follow(start, signal)) {
      const hosts = changes.filter(
        ({ kind, change }) => kind === agentKind || (kind === "Host" && change === "deleted"),
      );
      if (hosts.length === 0) continue;
      await recheck(new Set(hosts.map(({ name }) => name))).catch((error: unknown) => {
        log.warn({ err: error }, "links can't be checked now; they are again soon");
      });
    }
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    const { agentListen } = config;
    if (agentListen === null) return;
    const environment: JoinEnvironment = {
      database,
      authority: await authority(),
      lifetimeMs: config.agentCertificateMs,
      scopeOfHost,
    };
    const directory = createServerDirectory({
      query: database.query,
      own: () => ({ name: holder, address: config.agentAddress ?? `${agentListen.host}:${port ?? agentListen.port}` }),
      registry: () => registry,
      onServers: () => {
        for (const { host, peer } of registry.newest().values()) {
          const body = { server: holder, servers: [...directory.servers()] };
          peer.call(linkHello, body, { timeoutMs: tellTimeoutMs }).catch((error: unknown) => {
            log.info({ host, reason: String(error) }, "an agent was not told of the servers; it is on its next link");
          });
        }
      },
      log,
    });
    const answerOf = ({ pem }: Readonly<{ pem: string }>) => ({
      certificate: pem,
      authorities: environment.authority.certificatePem,
      servers: [...directory.servers()],
    });
    const listener = await startLinkListener({
      listen: agentListen,
      name: holder,
      authority: environment.authority,
      hostOf: async ({ serial, fingerprint }) => {
        const found = (await validCertificates(database.query, [serial])).get(serial);
        return found?.fingerprint === fingerprint ? found.host : null;
      },
      handlers: [
        ...handlers.values(),
        onCall(agentRenew, async ({ body, context: { host, from } }) =>
          answerOf(await renewCertificate(environment, { ...body, host, from })),
        ),
      ],
      joinHandler: onCall(agentJoin, async ({ body, context: { from } }) =>
        answerOf(await joinAgent(environment, { ...body, from })),
      ),
      registry,
      connections,
      servers: () => ({ server: holder, servers: directory.servers() }),
      onRefused: () => refused.inc(),
      log,
    });
    port = listener.port;
    directoryChanged = directory.linksChanged;
    const timer = setInterval(() => {
      recheck(null).catch((error: unknown) => log.warn({ err: error }, "links can't be checked now"));
    }, recheckMs);
    try {
      await Promise.all([directory.run(signal), followRevocations(signal)]);
    } finally {
      clearInterval(timer);
      directoryChanged = () => undefined;
      await listener.close();
    }
  };

  return {
    ...registry.calls,
    handle: (handler) => {
      const { name } = handler.method;
      if (handlers.has(name)) throw new Error(`two handlers serve ${name} to agents`);
      handlers.set(name, handler);
    },
    authority,
    run,
    port: () => port,
  };
}
