import { performServerHandshake } from "node:http2";
import {
  keepAlive,
  linkHello,
  linkProtocol,
  onCall,
  serveLink,
  usualKeepAlive,
  type LinkHandler,
} from "@wcs/api/agent-link";
import { dialServer } from "./dial.ts";
import type { Identity } from "./identity.ts";

/** What a server says of itself and the others in its hello. */
export type ServersSaid = Readonly<{ server: string; servers: readonly Readonly<{ name: string; address: string }>[] }>;

/** Who calls a handler of the agent: the server, by its name. */
export type ServerCaller = Readonly<{ server: string }>;

/** A connection over which a server calls this agent. */
export type ServerConnection = Readonly<{
  /** Resolves with the server's first word; null when the connection ended before it. */
  greeted: Promise<string | null>;
  ended: Promise<void>;
  /** Lets what is open on it finish, and takes nothing new. */
  retire: () => void;
  drop: () => void;
}>;

export type ConnectionOptions = Readonly<{
  address: string;
  identity: Identity;
  about: Readonly<{ host: string; startedAt: string; version: string }>;
  handlers: readonly LinkHandler<ServerCaller>[];
  onServers: (said: ServersSaid) => void;
  signal: AbortSignal;
  log: (line: string) => void;
}>;

const mostCalls = 500;

/** Opens the connection; the agent opens it and then serves on it. Throws a LinkError `link.away`. */
export async function connectToServer(options: ConnectionOptions): Promise<ServerConnection> {
  const { address, identity, about, handlers, onServers, signal, log } = options;
  const socket = await dialServer(address, identity, { protocol: linkProtocol, signal });
  const session = performServerHandshake(socket, {
    settings: { maxConcurrentStreams: mostCalls, initialWindowSize: 256 * 1024 },
    maxSessionMemory: 64,
  });
  session.on("error", () => session.destroy());
  session.once("close", () => socket.destroy());
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const greeting = Promise.withResolvers<string | null>();
  void ended.then(() => greeting.resolve(null));
  keepAlive(session, usualKeepAlive);
  const caller = { server: address };
  serveLink(session, {
    handlers: [
      onCall(linkHello, async ({ body }) => {
        caller.server = body.server;
        onServers(body);
        greeting.resolve(body.server);
        return about;
      }),
      ...handlers,
    ],
    context: caller,
    onBug: (method, error) =>
      log(`link: ${method} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
  });
  return {
    greeted: greeting.promise,
    ended,
    retire: () => session.close(),
    drop: () => {
      session.destroy();
      socket.destroy();
    },
  };
}
