import { connect } from "node:http2";
import { readFile, rename, rm } from "node:fs/promises";
import { agentJoin, createLinkPeer, LinkError, parseJoinToken, uplinkProtocol } from "@wcs/api/agent-link";
import { dialToJoin, fetchAuthority } from "./dial.ts";
import { forgetJoinKey, joinKey, writeIdentity, type Identity } from "./identity.ts";
import type { LinkConfig } from "./link-config.ts";

const joinTimeoutMs = 15_000;

export type JoinOptions = Readonly<{
  config: LinkConfig;
  host: string;
  stateFolder: string;
  signal: AbortSignal;
  log: (line: string) => void;
}>;

/** What joining led to: an identity and the servers; `none`: no token lies ready; `later`: no server could be asked. */
export type JoinOutcome =
  | Readonly<{ identity: Identity; servers: readonly Readonly<{ name: string; address: string }>[] }>
  | "none"
  | "later";

/** Joins by the token that lies ready, at the first server that answers. A token that is refused is put aside. */
export async function joinServer(options: JoinOptions): Promise<JoinOutcome> {
  const { config, host, stateFolder, signal, log } = options;
  const text = await readToken(config.joinTokenFile);
  if (text === null) return "none";
  const token = parseJoinToken(text);
  if (token === null) return await putAside(options, "it is not a join token");
  const order = await joinKey(stateFolder, host);
  for (const address of config.servers) {
    try {
      const dial = { protocol: uplinkProtocol, signal };
      const authority = await fetchAuthority(address, token.authority, dial);
      const socket = await dialToJoin(address, authority, dial);
      const session = connect("https://server", { createConnection: () => socket });
      session.on("error", () => undefined);
      try {
        const { publicKey, proof } = order;
        const peer = createLinkPeer(session, 1);
        const body = { host, token: text, publicKey, proof };
        const { certificate, authorities, servers } = await peer.call(agentJoin, body, {
          timeoutMs: joinTimeoutMs,
          signal,
        });
        const identity = { key: order.key, certificate, authorities, receivedMs: Date.now() };
        await writeIdentity(stateFolder, identity);
        await forgetJoinKey(stateFolder);
        await rm(config.joinTokenFile, { force: true });
        log(`link: joined as ${host} at ${address}`);
        return { identity, servers };
      } finally {
        session.destroy();
        socket.destroy();
      }
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      if (error.code === "agent.join-refused") return await putAside(options, error.message);
      log(`link: can't join at ${address}: ${error.message}`);
    }
  }
  return "later";
}

async function putAside({ config, log }: JoinOptions, why: string): Promise<"none"> {
  await rename(config.joinTokenFile, `${config.joinTokenFile}.refused`);
  log(`link: the join token is refused: ${why}; it lies in ${config.joinTokenFile}.refused`);
  return "none";
}

async function readToken(path: string): Promise<string | null> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
