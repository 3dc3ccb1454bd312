import type { ipamOperations } from "@wcs/api/ipam";
import { operationOnWire } from "@wcs/api/wire";
import type { ResourceView } from "./resource-view.ts";

const usage = operationOnWire<(typeof ipamOperations)[7]>("subnet-usage.list");

/** `wcs get subnets`: how much of each is used, by rack and area. */
export const subnetUsageView: ResourceView = {
  view: {
    columns: [
      { header: { en: "SUBNET", zh: "网段" }, value: ({ subnet }) => subnet },
      { header: { en: "RACK", zh: "机架" }, value: ({ rack }) => rack },
      { header: { en: "AREA", zh: "网络区域" }, value: ({ area }) => area },
      { header: { en: "NETWORK", zh: "网络" }, value: ({ network }) => network },
      { header: { en: "FIXED", zh: "固定 IP" }, value: ({ fixed }) => fixed },
      { header: { en: "FREE", zh: "空闲" }, value: ({ free }) => free },
      { header: { en: "RESERVED", zh: "预留" }, value: ({ reserved }) => reserved },
      { header: { en: "BOUND", zh: "使用中" }, value: ({ bound }) => bound },
      { header: { en: "HELD", zh: "保留" }, value: ({ held }) => held },
      { header: { en: "COOLING", zh: "冷却" }, value: ({ cooling }) => cooling },
      { header: { en: "UNUSABLE", zh: "不可用" }, value: ({ unusable }) => unusable },
      { header: { en: "DYNAMIC", zh: "动态 IP" }, value: ({ dynamic }) => dynamic, wide: true },
      { header: { en: "GRANTED", zh: "已分给宿主机" }, value: ({ granted }) => granted, wide: true },
      { header: { en: "GATEWAY", zh: "网关" }, value: ({ gateway }) => gateway, wide: true },
    ],
    nameOf: ({ subnet }) => `subnet/${String(subnet)}`,
  },
  filters: ["rack", "area"],
  list: async ({ client, filters }) => ({ ...(await client.call(usage, { query: filters })).body, next: null }),
};
