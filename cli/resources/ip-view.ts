import type { ipamOperations, Address } from "@wcs/api/ipam";
import { operationOnWire } from "@wcs/api/wire";
import type { Item, ResourceView } from "./resource-view.ts";

const list = operationOnWire<(typeof ipamOperations)[0]>("ips.list");
const get = operationOnWire<(typeof ipamOperations)[1]>("ips.get");

const ownerOf = (item: Item): string => {
  const { owner } = item as Address;
  return owner === null ? "" : `${owner.kind}/${owner.name}/${owner.nic}`;
};

/** `wcs get ips`, `wcs describe ip X`: addresses of the ledger; described, with the whole history. */
export const ipView: ResourceView = {
  view: {
    columns: [
      { header: { en: "IP", zh: "IP" }, value: ({ ip }) => ip },
      { header: { en: "STATE", zh: "状态" }, value: ({ state }) => state },
      { header: { en: "CONDITION", zh: "情况" }, value: ({ condition }) => condition },
      { header: { en: "OWNER", zh: "归属" }, value: ownerOf },
      { header: { en: "BUSINESS", zh: "业务部门" }, value: ({ business }) => business },
      { header: { en: "SUBNET", zh: "网段" }, value: ({ subnet }) => subnet },
      { header: { en: "HOST", zh: "宿主机" }, value: (item) => (item as Address).binding?.host },
      { header: { en: "GENERATION", zh: "代次" }, value: ({ generation }) => generation, wide: true },
      { header: { en: "MAC", zh: "MAC" }, value: ({ mac }) => mac, wide: true },
      { header: { en: "FREE AT", zh: "释放时间" }, value: ({ freeAt }) => freeAt, wide: true },
      { header: { en: "NOTE", zh: "备注" }, value: ({ conditionNote }) => conditionNote, wide: true },
    ],
    nameOf: ({ ip }) => `ip/${String(ip)}`,
  },
  filters: ["subnet", "rack", "area", "host", "owner", "state", "condition"],
  list: async ({ client, cursor, filters }) => {
    const query = { ...filters, limit: 500, ...(cursor === undefined ? {} : { cursor }) };
    return (await client.call(list, { query: query })).body;
  },
  get: async (client, ip) => {
    const { address, history, differences } = (await client.call(get, { params: { ip } })).body;
    return { ...address, differences, history };
  },
};
