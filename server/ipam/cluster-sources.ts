import { parseNetworkAnnotation, networkAnnotationName, type AnnotatedNic, type LiveWorld } from "@wcs/core/ipam";
import { parseIpv4Interface } from "@wcs/core/ipv4";
import type { PodState } from "@wcs/core/cluster";
import type { ClusterLink } from "../cluster/cluster-link.ts";
import type { ClusterLinks } from "../cluster/cluster-links.ts";
import { listConnections } from "../cluster/cluster-store.ts";
import type { Query, Row } from "../database/database.ts";
import { hostReportsOf } from "./host-reports.ts";

/** What the instances' pods on all clusters say of their NICs; null while a cluster can't be read in full. */
export async function annotationsOfClusters(
  query: Query,
  links: ClusterLinks,
): Promise<readonly AnnotatedNic[] | null> {
  const pods = await podsOfClusters(query, links);
  return pods === null ? null : pods.flatMap(nicsOf);
}

/** Which instances and pods there are; null while a cluster can't be read in full. Hosts whose agents are silent are not judged. */
export async function liveWorldOf(query: Query, links: ClusterLinks): Promise<LiveWorld | null> {
  const pods = await podsOfClusters(query, links);
  if (pods === null) return null;
  const { silent } = await hostReportsOf(query);
  return {
    instances: await livingInstances(query),
    podUids: new Set(pods.map(({ uid }) => uid)),
    unknownHosts: silent,
  };
}

const namesAtOnce = 5000;

/** A part at a time: hundreds of thousands of names in one answer would hold up every request meanwhile. */
async function livingInstances(query: Query): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (let last: string | undefined = ""; last !== undefined;) {
    const rows: readonly (Row & Readonly<{ name: string }>)[] = await query(
      `SELECT name FROM instances WHERE name > $1 AND state NOT IN ('retired', 'cancelled') ORDER BY name LIMIT ${namesAtOnce}`,
      [last],
    );
    for (const { name } of rows) names.add(name);
    last = rows.length < namesAtOnce ? undefined : rows.at(-1)?.name;
  }
  return names;
}

async function podsOfClusters(query: Query, links: ClusterLinks): Promise<readonly PodState[] | null> {
  const connections = await listConnections(query);
  const read: (ClusterLink | undefined)[] = connections.map(({ name }) => links.get(name));
  const pods: PodState[] = [];
  for (const link of read) {
    if (link === undefined) return null;
    const { synced, stale } = link.pods.status();
    if (!synced || stale) return null;
    for (const [, pod] of link.pods.entries()) pods.push(pod);
  }
  return pods;
}

/** A pod whose annotation can't be read gets no network: its agent says so. */
function nicsOf(pod: PodState): readonly AnnotatedNic[] {
  const text = pod.annotations[networkAnnotationName];
  const parsed = text === undefined ? null : parseNetworkAnnotation(text);
  if (parsed === null || !parsed.ok) return [];
  const { instance, generation, nics } = parsed.value;
  return nics.flatMap((nic) => {
    const address = parseIpv4Interface(nic.address)?.address;
    const source = `pod ${pod.namespace}/${pod.name}`;
    return address === undefined ? [] : [{ source, address, instance, nic: nic.name, generation }];
  });
}
