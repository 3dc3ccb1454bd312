import { setTimeout as sleep } from "node:timers/promises";
import type { Query, Row } from "../database/database.ts";
import type { Log } from "../program/log.ts";
import type { LinkRegistry, HostLink } from "./link-registry.ts";

const tickMs = 3_000;
const leaseMs = 12_000;

export type ServerAddress = Readonly<{ name: string; address: string }>;

/** Keeps this server's lease among the servers that agents connect to, and the table of the links that it holds. */
export type ServerDirectory = Readonly<{
  servers: () => readonly ServerAddress[];
  /** The links have changed: the table follows. */
  linksChanged: () => void;
  run: (signal: AbortSignal) => Promise<void>;
}>;

export type DirectoryOptions = Readonly<{
  query: Query;
  own: () => ServerAddress;
  registry: () => LinkRegistry;
  /** Told when a server came or went. */
  onServers: () => void;
  log: Log;
}>;

export function createServerDirectory({ query, own, registry, onServers, log }: DirectoryOptions): ServerDirectory {
  let servers: readonly ServerAddress[] = [];
  let dirty = true;
  let wake = Promise.withResolvers<void>();

  /** True when the lease had been lost, and with it the links' rows. */
  const renew = async (): Promise<boolean> => {
    const [row] = await query<Row & Readonly<{ fresh: boolean }>>(
      `INSERT INTO agent_servers (name, address, expires_at) VALUES ($1, $2, clock_timestamp() + $3 * interval '1 ms')
       ON CONFLICT (name) DO UPDATE SET address = excluded.address, expires_at = excluded.expires_at RETURNING xmax = 0 AS fresh`,
      [own().name, own().address, leaseMs],
    );
    return row?.fresh === true;
  };
  const read = async (): Promise<void> => {
    const found = await query<Row & ServerAddress>(
      "SELECT name, address FROM agent_servers WHERE expires_at > clock_timestamp() ORDER BY name",
    );
    const next = found.map(({ name, address }) => ({ name, address }));
    if (JSON.stringify(next) === JSON.stringify(servers)) return;
    servers = next;
    onServers();
  };
  const writeLinks = async (): Promise<void> => {
    const links = [...registry().newest().values()].map(({ host, since }: HostLink) => ({ host, since }));
    await query("DELETE FROM agent_links WHERE server = $1 AND host <> ALL($2::text[])", [
      own().name,
      links.map(({ host }) => host),
    ]);
    // An agent that was deleted a moment ago has no row to refer to.
    await query(
      `INSERT INTO agent_links (host, server, since)
       SELECT l.host, $1, l.since FROM jsonb_to_recordset($2::jsonb) AS l (host text, since timestamptz) JOIN agents a ON a.host = l.host
       ON CONFLICT (host, server) DO UPDATE SET since = excluded.since WHERE agent_links.since <> excluded.since`,
      [own().name, JSON.stringify(links)],
    );
  };

  return {
    servers: () => (servers.length === 0 ? [own()] : servers),
    linksChanged: () => {
      dirty = true;
      wake.resolve();
    },
    run: async (signal) => {
      const stop = (): void => wake.resolve();
      signal.addEventListener("abort", stop, { once: true });
      let renewAt = 0;
      while (!signal.aborted) {
        try {
          if (performance.now() >= renewAt) {
            if (await renew()) dirty = true;
            await read();
            // Servers that went long ago.
            await query("DELETE FROM agent_servers WHERE expires_at < clock_timestamp() - interval '1 day'");
            renewAt = performance.now() + tickMs;
          }
          if (dirty) {
            dirty = false;
            await writeLinks();
          }
        } catch (error) {
          dirty = true;
          log.warn({ err: error }, "the directory of agents' links can't be written");
          await sleep(500, undefined, { signal }).catch(() => undefined);
        }
        const timer = setTimeout(() => wake.resolve(), Math.max(1, renewAt - performance.now()));
        if (!dirty && !signal.aborted) await wake.promise;
        clearTimeout(timer);
        wake = Promise.withResolvers();
      }
      await query("DELETE FROM agent_servers WHERE name = $1", [own().name]).catch((error: unknown) => {
        log.warn({ err: error }, "this server's lease for agents stays until it runs out");
      });
    },
  };
}
