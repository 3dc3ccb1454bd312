import type { OperationAnswer } from "@wcs/api";
import type { instanceOperations } from "@wcs/api/instance";
import { operationOnWire } from "@wcs/api/wire";
import type { ResourceView } from "./resource-view.ts";

const list = operationOnWire<(typeof instanceOperations)[0]>("instances.list");
const get = operationOnWire<(typeof instanceOperations)[1]>("instances.get");

export type Instance = OperationAnswer<typeof get>;

const ips = (item: object) => (item as Instance).nics.map(({ ip }) => ip);

export const instanceView: ResourceView = {
  view: {
    columns: [
      { header: { en: "NAME", zh: "实例" }, value: ({ name }) => name },
      { header: { en: "DCN", zh: "数据单元" }, value: ({ dcn }) => dcn },
      { header: { en: "CLASS", zh: "规格" }, value: (item) => item["class"] },
      { header: { en: "STATE", zh: "状态" }, value: ({ state }) => state },
      { header: { en: "IP", zh: "IP" }, value: ips },
      { header: { en: "HOST", zh: "宿主机" }, value: ({ host }) => host },
      { header: { en: "CLUSTER", zh: "集群" }, value: ({ cluster }) => cluster },
      { header: { en: "RELEASE", zh: "发布" }, value: ({ release }) => release },
      { header: { en: "REASON", zh: "说明" }, value: ({ reason }) => reason, wide: true },
      { header: { en: "RACK", zh: "机架" }, value: ({ rack }) => rack, wide: true },
      { header: { en: "TEMPLATE", zh: "模板" }, value: ({ template }) => template, wide: true },
      { header: { en: "IMAGE", zh: "镜像" }, value: ({ imageDigest }) => imageDigest, wide: true },
      { header: { en: "RESTARTS", zh: "重启" }, value: ({ restarts }) => restarts, wide: true },
    ],
    nameOf: ({ name }) => `instance/${String(name)}`,
  },
  filters: ["subsystem", "dcn", "environment", "cluster", "host", "state", "retired"],
  list: async ({ client, cursor, filters }) => {
    const query = { ...filters, ...(cursor === undefined ? {} : { cursor }) };
    return (await client.call(list, { query })).body;
  },
  get: async (client, name) => (await client.call(get, { params: { name } })).body,
};
