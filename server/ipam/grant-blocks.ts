import { once } from "node:events";
import {
  dynamicBlockAnnotationName,
  parseDynamicBlockGrant,
  printDynamicBlockGrant,
  type DynamicBlockGrant,
} from "@wcs/core/ipam";
import { nodes, type KubeClient } from "@wcs/kube";
import type { ClusterLinks } from "../cluster/cluster-links.ts";
import { listConnections } from "../cluster/cluster-store.ts";
import { transaction, type ActContext } from "../database/transaction.ts";
import type { Query, Row } from "../database/database.ts";
import { Failure } from "../http/failure.ts";
import type { Platform } from "../program/platform.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import { dynamicBlockGrantOf, leaveBlocksElsewhere, returnBlocksOf, sizeHostBlocks } from "./dynamic-blocks.ts";
import { blocksKind, freshReportMs } from "./host-reports.ts";

const resyncMs = 600_000;
const workers = 4;
/** A host whose Node or cluster is not there yet is looked at again after this, besides when the Node appears. */
const awayMs = 30_000;

/** A host as far as its grant goes. `area`: where its dynamic addresses come from; null: its rack has no dynamic range. */
type HostRow = Row &
  Readonly<{ name: string; rack: string; cluster: string | null; node: string; area: string | null }>;

/**
 * Grants every host that is a Kubernetes node addresses for pods without `wcs.io/network`, and writes the grant on the Node, where
 * its agent reads it. The ledger is first: what is on a Node has been granted, and what was granted comes to the Node by the next round.
 */
export function blockGranter(platform: Platform, links: ClusterLinks, context: ActContext): Reconciler {
  const { query } = platform.database;
  return {
    name: "ipam-grants",
    keys: async () => {
      const rows = await query<Row & Readonly<{ name: string }>>(
        `SELECT name FROM hosts WHERE cluster IS NOT NULL
         UNION SELECT host FROM ipam_blocks WHERE state <> 'returned' ORDER BY name`,
      );
      return rows.map(({ name }) => name);
    },
    keysOf: ({ kind, name }) => (kind === "Host" || kind === blocksKind ? [name] : []),
    follow: async (add, signal) => {
      const stop = links.listen({
        onNode: (cluster, { key: node, before, after }) => {
          const isNew = after !== undefined && before === undefined;
          const [was, is] = [before, after].map((state) => state?.annotations[dynamicBlockAnnotationName]);
          if (after === undefined || (!isNew && was === is)) return;
          hostOfNode(query, { cluster, node }).then(add, (error: unknown) =>
            platform.log.warn({ err: error, cluster, node }, "a node's host can't be looked up; the next round grants"),
          );
        },
      });
      if (!signal.aborted) await once(signal, "abort");
      stop();
    },
    reconcile: async (name) => {
      const [host] = await query<HostRow>(hostText, [name]);
      if (host === undefined || host.cluster === null) return leave(platform, { links, context, name });
      const link = links.get(host.cluster);
      const isThere = link?.nodes.status().synced === true && link.nodes.get(host.node) !== undefined;
      if (link === undefined || !isThere) return { againAfterMs: awayMs };
      const { grant, refused } = await sizeAndRead(platform, { host, context });
      if (grant !== null) {
        const known = link.nodes.get(host.node)?.annotations[dynamicBlockAnnotationName];
        await writeGrant(link.client, { grant: { ...grant, host: host.node }, known });
      }
      if (refused !== null) throw refused;
      return undefined;
    },
    resyncMs,
    workers,
  };
}

const hostText = `SELECT h.name, h.rack, h.cluster, coalesce(h.document #>> '{spec,node}', h.name) AS node,
    (SELECT s.area FROM machine_addresses m JOIN ipam_subnets s ON s.rack = h.rack AND s.area = m.area JOIN ipam_areas a ON a.name = s.area
     WHERE m.host = h.name AND s.dynamic_first IS NOT NULL ORDER BY a.external, s.area LIMIT 1) AS area
  FROM hosts h WHERE h.name = $1`;

async function hostOfNode(
  query: Query,
  { cluster, node }: Readonly<{ cluster: string; node: string }>,
): Promise<readonly string[]> {
  const rows = await query<Row & Readonly<{ name: string }>>(
    "SELECT name FROM hosts WHERE cluster = $1 AND coalesce(document #>> '{spec,node}', name) = $2",
    [cluster, node],
  );
  return rows.map(({ name }) => name);
}

/** What the host may give out from now on. `refused`: it needs more than there is; what it has still counts. */
async function sizeAndRead(
  { database }: Pick<Platform, "database">,
  { host, context }: Readonly<{ host: HostRow; context: ActContext }>,
): Promise<Readonly<{ grant: DynamicBlockGrant | null; refused: Failure | null }>> {
  const { name, rack, area } = host;
  await transaction(database, { context }, (tx) => leaveBlocksElsewhere(tx, { host: name, rack, area }));
  let refused: Failure | null = null;
  if (area !== null) {
    try {
      await transaction(database, { context }, (tx) => sizeHostBlocks(tx, { host: name, rack, area }));
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "ipam.exhausted") throw error;
      refused = error;
    }
  }
  return { grant: await dynamicBlockGrantOf(database.query, name), refused };
}

/** A Node's grant is later than the ledger's: another server's, or the database is an older copy of what it was. */
class GrantFromElsewhereError extends Error {}

/**
 * Writes the grant on the Node, as it was read: a server that has lost its lease meanwhile, and comes late, must not bring back blocks
 * that are another host's by now.
 */
async function writeGrant(
  client: KubeClient,
  { grant, known }: Readonly<{ grant: DynamicBlockGrant; known: string | undefined }>,
): Promise<void> {
  const name = grant.host;
  const text = printDynamicBlockGrant(grant);
  if (known === text) return;
  const node = await client.get(nodes, { name });
  const present = node.metadata.annotations?.[dynamicBlockAnnotationName];
  if (present === text) return;
  const parsed = present === undefined ? null : parseDynamicBlockGrant(present, name);
  if (parsed?.ok === true && parsed.value.generation > grant.generation) {
    throw new GrantFromElsewhereError(
      `Node ${name} has a grant of generation ${parsed.value.generation}, the ledger's is ${grant.generation}: is this database an old copy?`,
    );
  }
  const { resourceVersion } = node.metadata;
  const patch = { metadata: { resourceVersion, annotations: { [dynamicBlockAnnotationName]: text } } };
  await client.patch(nodes, { name, kind: "merge", patch, fieldManager: "wcs" });
}

/**
 * A host that has left the estate, or its cluster: its blocks go back once its Node is gone from every cluster, and its agent has been
 * silent for long enough. Until then they stay its own.
 */
async function leave(
  { database }: Pick<Platform, "database">,
  { links, context, name }: Readonly<{ links: ClusterLinks; context: ActContext; name: string }>,
): Promise<void | { againAfterMs: number }> {
  const [kept] = await database.query<Row & Readonly<{ fresh: boolean }>>(
    `SELECT EXISTS (SELECT 1 FROM ipam_host_reports WHERE host = $1 AND at > now() - $2 * interval '1 ms') AS fresh
     FROM ipam_blocks WHERE host = $1 AND state <> 'returned' LIMIT 1`,
    [name, freshReportMs],
  );
  if (kept === undefined) return undefined;
  for (const { name: cluster } of await listConnections(database.query)) {
    const node = (await links.get(cluster)?.client.find(nodes, { name })) ?? undefined;
    if (node !== undefined || links.get(cluster) === undefined) return { againAfterMs: freshReportMs };
  }
  if (kept.fresh) return { againAfterMs: freshReportMs };
  await transaction(database, { context }, (tx) => returnBlocksOf(tx, name));
  return undefined;
}
