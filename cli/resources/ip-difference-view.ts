import type { ipamOperations } from "@wcs/api/ipam";
import { operationOnWire } from "@wcs/api/wire";
import type { ResourceView } from "./resource-view.ts";

const list = operationOnWire<(typeof ipamOperations)[8]>("ip-differences.list");

/** `wcs get ip-differences`: where ledger, Kubernetes, hosts and estate disagree, and leaks. */
export const ipDifferenceView: ResourceView = {
  view: {
    columns: [
      { header: { en: "IP", zh: "IP" }, value: ({ ip }) => ip },
      { header: { en: "KIND", zh: "类型" }, value: ({ kind }) => kind },
      { header: { en: "INSTANCE", zh: "实例" }, value: ({ instance }) => instance },
      { header: { en: "HOST", zh: "宿主机" }, value: ({ host }) => host },
      { header: { en: "SINCE", zh: "开始时间" }, value: ({ firstSeen }) => firstSeen },
      { header: { en: "DETAIL", zh: "详情" }, value: ({ detail }) => detail },
      { header: { en: "WAY OUT", zh: "处理办法" }, value: ({ wayOut }) => wayOut },
      { header: { en: "SEEN", zh: "次数" }, value: ({ timesSeen }) => timesSeen, wide: true },
    ],
    nameOf: ({ ip, kind }) => `ip-difference/${String(ip)}/${String(kind)}`,
  },
  filters: [],
  list: async ({ client, cursor }) => {
    const query = cursor === undefined ? {} : { cursor };
    return (await client.call(list, { query })).body;
  },
};
