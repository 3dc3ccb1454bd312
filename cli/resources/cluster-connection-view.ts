import type { OperationAnswer } from "@wcs/api";
import type { clusterOperations } from "@wcs/api/cluster";
import { operationOnWire } from "@wcs/api/wire";
import type { Item, ResourceView } from "./resource-view.ts";

const list = operationOnWire<(typeof clusterOperations)[0]>("clusterconnections.list");
const get = operationOnWire<(typeof clusterOperations)[1]>("clusterconnections.get");
const remove = operationOnWire<(typeof clusterOperations)[4]>("clusterconnections.delete");

type Connection = OperationAnswer<typeof get>;

const of = (item: Item) => item as unknown as Connection;

/** What an operator asks first: is it there, and does it do? */
function healthOf({ health, state }: Connection): string {
  if (state === "removing") return "removing";
  if (health.reachable === null) return "unknown";
  if (!health.reachable) return `away (${health.trouble?.reason ?? "?"})`;
  return health.ready === true ? "ready" : "not-ready";
}

const longestLagSeconds = (connection: Connection): string =>
  connection.caches.length === 0
    ? "-"
    : `${(Math.max(...connection.caches.map(({ lagMs }) => lagMs)) / 1000).toFixed(1)}s`;

function baselineOf({ baseline }: Connection): string {
  if (baseline.trouble !== null) return `trouble (${baseline.trouble.reason})`;
  if (baseline.checkedAt === null) return "unknown";
  return baseline.drifts.length === 0 ? "kept" : `kept (${baseline.drifts.length} mended)`;
}

export const clusterConnectionView: ResourceView = {
  view: {
    columns: [
      { header: { en: "NAME", zh: "名称" }, value: ({ name }) => name },
      { header: { en: "HEALTH", zh: "健康" }, value: (item) => healthOf(of(item)) },
      { header: { en: "VERSION", zh: "版本" }, value: ({ kubernetesVersion }) => kubernetesVersion },
      {
        header: { en: "NODES", zh: "节点" },
        value: (item) => `${of(item).nodes.ready}/${of(item).nodes.total}`,
      },
      { header: { en: "PODS", zh: "实例容器" }, value: (item) => `${of(item).pods.ready}/${of(item).pods.total}` },
      { header: { en: "LAG", zh: "滞后" }, value: (item) => longestLagSeconds(of(item)) },
      { header: { en: "BASELINE", zh: "基线" }, value: (item) => baselineOf(of(item)) },
      { header: { en: "SERVER", zh: "地址" }, value: ({ server }) => server, wide: true },
      {
        header: { en: "CREDENTIAL UNTIL", zh: "凭据到期" },
        value: ({ credentialExpiresAt }) => credentialExpiresAt,
        wide: true,
      },
    ],
    nameOf: ({ name }) => `cluster-connection/${String(name)}`,
  },
  filters: [],
  list: async ({ client, cursor }) => {
    const { body } = await client.call(list, { query: cursor === undefined ? {} : { cursor } });
    return body;
  },
  get: async (client, name) => (await client.call(get, { params: { name } })).body,
  remove: async (client, name, { dryRun, ...act }) => {
    await client.call(remove, { params: { name }, query: { dryRun }, ...act });
  },
};
