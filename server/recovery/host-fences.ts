import { extendFence, fenceAnnotationName, printHostFence, type FencedInstance, type HostFence } from "@wcs/core/ipam";
import { nodes, type KubeClient, type NodeObject } from "@wcs/kube";
import type { Query, Row } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";

/** The Node of a host, by its cluster. */
export type FencedNode = Readonly<{ cluster: string; node: string; host: string }>;

/** A fence as it should be on its Node; `lifting`: it shall go. */
export type FenceRecord = FencedNode & Readonly<{ instances: readonly FencedInstance[]; lifting: boolean }>;

/** A Node with this taint, and cordoned, gets nothing new until a person lets its host take part again. */
export const fenceTaint = { key: "wcs.io/fenced", effect: "NoSchedule" } as const;

const columns = "cluster, node, host, instances, lifting";

/** The fence that a Node should have; null when it should have none. */
export async function fenceOf(
  query: Query,
  { cluster, node }: Pick<FencedNode, "cluster" | "node">,
): Promise<FenceRecord | null> {
  const [row] = await query<Row & FenceRecord>(`SELECT ${columns} FROM host_fences WHERE cluster = $1 AND node = $2`, [
    cluster,
    node,
  ]);
  return row ?? null;
}

/** Every fence there should be, or is to go. */
export async function allFences(query: Query): Promise<readonly FenceRecord[]> {
  return query<Row & FenceRecord>(`SELECT ${columns} FROM host_fences ORDER BY cluster, node`);
}

/** Adds instances to what a Node's fence should say, in the transaction that decides that they move. */
export async function fenceInstances(
  tx: Transaction,
  { cluster, node, host }: FencedNode,
  added: readonly FencedInstance[],
): Promise<void> {
  await tx.query(
    "INSERT INTO host_fences (cluster, node, host, instances) VALUES ($1, $2, $3, '[]') ON CONFLICT DO NOTHING",
    [cluster, node, host],
  );
  const [row] = await tx.query<Row & Pick<FenceRecord, "instances">>(
    "SELECT instances FROM host_fences WHERE cluster = $1 AND node = $2 FOR UPDATE",
    [cluster, node],
  );
  const { instances } = extendFence({ host: node, instances: row?.instances ?? [] }, added);
  await tx.query("UPDATE host_fences SET instances = $3, lifting = false WHERE cluster = $1 AND node = $2", [
    cluster,
    node,
    JSON.stringify(instances),
  ]);
}

/** The Node's fence shall go. */
export async function liftFence(
  tx: Transaction,
  { cluster, node }: Pick<FencedNode, "cluster" | "node">,
): Promise<void> {
  await tx.query("UPDATE host_fences SET lifting = true WHERE cluster = $1 AND node = $2", [cluster, node]);
}

/** The fence was taken off the Node; nothing is forgotten that was fenced anew meanwhile. */
export async function forgetFence(
  query: Query,
  { cluster, node }: Pick<FencedNode, "cluster" | "node">,
): Promise<void> {
  await query("DELETE FROM host_fences WHERE cluster = $1 AND node = $2 AND lifting", [cluster, node]);
}

/**
 * Makes a Node carry the fence, the taint and the cordon; or, when it is lifting, none of them. A Node that is gone needs neither: what
 * registers again under its name gets the fence from the reconciler. Safe to repeat. Throws KubeError.
 */
export async function writeFence(client: KubeClient, fence: FenceRecord, signal?: AbortSignal): Promise<void> {
  const node = await client.find(nodes, { name: fence.node, signal });
  if (node === null) return;
  const wanted: HostFence = { host: fence.node, instances: fence.instances };
  const text = fence.lifting ? null : printHostFence(wanted);
  const taints = (node.spec?.taints ?? []).filter(({ key }) => key !== fenceTaint.key);
  if (isWritten(node, text)) return;
  await client.patch(nodes, {
    name: fence.node,
    kind: "merge",
    patch: {
      metadata: { resourceVersion: node.metadata.resourceVersion, annotations: { [fenceAnnotationName]: text } },
      spec: { taints: text === null ? taints : [...taints, fenceTaint], unschedulable: text === null ? null : true },
    },
    signal,
  });
}

function isWritten(node: NodeObject, text: string | null): boolean {
  const tainted = node.spec?.taints?.some(({ key }) => key === fenceTaint.key) === true;
  const cordoned = node.spec?.unschedulable === true;
  const annotated = node.metadata.annotations?.[fenceAnnotationName];
  if (text === null) return annotated === undefined && !tainted;
  return annotated === text && tainted && cordoned;
}
