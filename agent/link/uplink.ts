import { connect, type ClientHttp2Session } from "node:http2";
import {
  createLinkPeer,
  keepAlive,
  LinkError,
  uplinkProtocol,
  usualKeepAlive,
  type LinkAnswer,
  type LinkMethod,
  type LinkPeer,
  type LinkRequest,
  type LinkWait,
} from "@wcs/api/agent-link";
import { dialServer } from "./dial.ts";
import type { Identity } from "./identity.ts";

/** Calls a server, whichever can be reached. Throws a LinkError: `link.away` when none can, and nothing was done. */
export type CallServer = <M extends LinkMethod & Readonly<{ stream: false }>>(
  method: M,
  body: LinkRequest<M>,
  wait: LinkWait,
) => Promise<LinkAnswer<M>>;

export type Uplink = Readonly<{ call: CallServer; close: () => void }>;

export type UplinkOptions = Readonly<{
  /** Null while the agent has not joined. */
  identity: () => Identity | null;
  /** The servers, those that are connected first. */
  addresses: () => readonly string[];
  signal: AbortSignal;
}>;

const mostCalls = 32;

/** One connection to one server for all that the agent calls; opened on first use, and anew with another certificate or after a break. */
export function createUplink({ identity, addresses, signal }: UplinkOptions): Uplink {
  type Open = Readonly<{ session: ClientHttp2Session; peer: LinkPeer; identity: Identity }>;
  let current: Promise<Open> | null = null;

  const openAny = async (own: Identity): Promise<Open> => {
    const reasons: string[] = [];
    for (const address of addresses()) {
      try {
        const socket = await dialServer(address, own, { protocol: uplinkProtocol, signal });
        const session = connect("https://server", { createConnection: () => socket });
        session.on("error", () => session.destroy());
        session.once("close", () => socket.destroy());
        keepAlive(session, usualKeepAlive);
        return { session, peer: createLinkPeer(session, mostCalls), identity: own };
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        reasons.push(error.message);
      }
    }
    throw new LinkError("link.away", `no server can be reached: ${reasons.join("; ") || "none is known"}`);
  };

  const open = async (): Promise<LinkPeer> => {
    const own = identity();
    if (own === null) throw new LinkError("link.away", "the agent has not joined");
    const before = current;
    if (before !== null) {
      const opened = await before.catch(() => null);
      if (opened !== null && opened.identity === own && !opened.session.closed) return opened.peer;
      // What is open on it finishes.
      if (current === before) {
        opened?.session.close();
        current = null;
      }
    }
    current ??= openAny(own);
    return (await current).peer;
  };

  return {
    call: async (method, body, wait) => await (await open()).call(method, body, wait),
    close: () => {
      current?.then(
        ({ session }) => session.destroy(),
        () => undefined,
      );
    },
  };
}
