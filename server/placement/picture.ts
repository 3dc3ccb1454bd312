import { createEstateIndex, estateKindNames, type EstateDocument } from "@wcs/core/estate";
import { buildWorld, type World } from "@wcs/core/placement";
import type { ClusterLinks } from "../cluster/cluster-links.ts";
import type { Query, Row } from "../database/database.ts";
import { documentOfRow, estateColumns, estateTable, type EstateRow } from "../estate/estate-tables.ts";
import { subnetUsage } from "../ipam/index.ts";
import { placementEstate, type PlacedInstance } from "./placement-estate.ts";
import { memoryMiBOf, milliOf } from "./quantity.ts";

/** The engine's picture of the estate, the instances, the ledger and the clusters as they are now. */
export type Picture = (query: Query) => Promise<World>;

export function createPicture(links: ClusterLinks): Picture {
  return async (query) => {
    const { documents } = createEstateIndex(await allDocuments(query));
    const usage = await subnetUsage(query);
    const instances = await placedInstances(query);
    const leaving = await leavingInstances(query);
    const clusterOf = (host: string) => {
      const document = documents.Host.get(host) as EstateDocument<"Host"> | undefined;
      return { cluster: document?.spec.cluster ?? "", node: document?.spec.node ?? host };
    };
    return buildWorld(
      placementEstate({
        documents,
        instances,
        leaving,
        addresses: new Map(usage.map(({ subnet, fixed, free }) => [subnet, { fixed, free }])),
        isHeardOf: (cluster) => links.get(cluster)?.health().reachable === true,
        nodeOf: (host) => {
          const { cluster, node } = clusterOf(host);
          const state = links.get(cluster)?.nodes.get(node);
          if (state === undefined) return null;
          return {
            cpuMilli: milliOf(state.allocatable["cpu"]),
            memoryMiB: memoryMiBOf(state.allocatable["memory"]),
            ready: state.ready && state.schedulable,
          };
        },
      }),
    );
  };
}

async function allDocuments(query: Query): Promise<readonly EstateDocument[]> {
  const documents: EstateDocument[] = [];
  for (const kind of estateKindNames) {
    const rows = await query<EstateRow>(`SELECT ${estateColumns} FROM ${estateTable(kind)}`);
    documents.push(...rows.map((row) => documentOfRow(kind, row)));
  }
  return documents;
}

type PlacedRow = Row & Omit<PlacedInstance, "subnets"> & Readonly<{ nics: readonly Readonly<{ subnet: string }>[] }>;

/** Every instance that counts in its DCN. */
async function placedInstances(query: Query): Promise<readonly PlacedInstance[]> {
  const rows = await query<PlacedRow>(
    `SELECT name, subsystem, dcn, class, host, nics, lifetime, borrowed FROM instances
     WHERE retired_at IS NULL AND wish <> 'retire' ORDER BY name`,
  );
  return rows.map(({ nics, ...instance }) => ({ ...instance, subnets: nics.map(({ subnet }) => subnet) }));
}

/** Instances that are retiring and not gone yet. */
async function leavingInstances(query: Query): Promise<readonly Readonly<{ class: string; host: string }>[]> {
  return await query<Row & { class: string; host: string }>(
    "SELECT class, host FROM instances WHERE retired_at IS NULL AND wish = 'retire' ORDER BY name",
  );
}
