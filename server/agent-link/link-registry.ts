import {
  LinkError,
  type LinkAnswer,
  type LinkMethod,
  type LinkPeer,
  type LinkRequest,
  type LinkStream,
} from "@wcs/api/agent-link";

/** A connection that an agent made by a certificate. */
export type AgentConnection = Readonly<{
  host: string;
  /** The certificate by which the agent came. */
  serial: string;
  /** Ends it and everything on it. */
  drop: (reason: string) => void;
}>;

/** A link to a host's agent that this server holds. */
export type HostLink = AgentConnection & Readonly<{ since: Date; peer: LinkPeer }>;

type Wanted<M> = Readonly<{
  host: string;
  method: M;
  body: LinkRequest<M>;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}>;

/** Calls to agents; each throws a LinkError, `link.away` when this server holds no link to the host. */
export type AgentCalls = Readonly<{
  /** Calls a method of the host's agent once; whether it was carried out is not known after `link.cut` and `link.timeout`. */
  call: <M extends LinkMethod & Readonly<{ stream: false }>>(wanted: Wanted<M>) => Promise<LinkAnswer<M>>;
  /** Opens a stream to the host's agent; `timeoutMs` is for the answer, `signal` ends the stream as well. */
  open: <M extends LinkMethod & Readonly<{ stream: true }>>(wanted: Wanted<M>) => Promise<LinkStream<LinkAnswer<M>>>;
  isLinked: (host: string) => boolean;
}>;

/** The links of this server, by host. */
export type LinkRegistry = Readonly<{
  calls: AgentCalls;
  /** The newest link of a host is the one that is used; older ones go on with what is open on them. */
  add: (link: HostLink) => void;
  remove: (link: HostLink) => void;
  /** The link that is used, of every host that has one. */
  newest: () => ReadonlyMap<string, HostLink>;
}>;

export function createLinkRegistry(onChange: () => void): LinkRegistry {
  const byHost = new Map<string, readonly HostLink[]>();

  const linkOf = (host: string): HostLink => {
    const link = byHost.get(host)?.at(-1);
    if (link === undefined) throw new LinkError("link.away", `the agent of ${host} is not connected`);
    return link;
  };
  return {
    calls: {
      call: async ({ host, method, body, timeoutMs, signal }) =>
        await linkOf(host).peer.call(method, body, { timeoutMs, signal }),
      open: async ({ host, method, body, timeoutMs, signal }) =>
        await linkOf(host).peer.open(method, body, { timeoutMs, signal }),
      isLinked: (host) => byHost.has(host),
    },
    add: (link) => {
      byHost.set(link.host, [...(byHost.get(link.host) ?? []), link]);
      onChange();
    },
    remove: (link) => {
      const left = (byHost.get(link.host) ?? []).filter((other) => other !== link);
      if (left.length === 0) byHost.delete(link.host);
      else byHost.set(link.host, left);
      onChange();
    },
    newest: () => new Map([...byHost].flatMap(([host, links]) => links.slice(-1).map((link) => [host, link]))),
  };
}
