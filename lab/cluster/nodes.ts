import type { Cluster } from "../topology/schema.ts";
import { apiRequest } from "./api-request.ts";

/** Names of a cluster's nodes and whether each is Ready. @throws when the API server does not answer in time */
export async function readNodes(cluster: Cluster, timeoutMs = 5000): Promise<Map<string, boolean>> {
  const list = JSON.parse(await apiRequest(cluster, "/api/v1/nodes", { timeoutMs })) as {
    items: { metadata: { name: string }; status: { conditions?: { type: string; status: string }[] } }[];
  };
  return new Map(
    list.items.map((node) => [
      node.metadata.name,
      node.status.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") ?? false,
    ]),
  );
}
