import type { freezeOperations } from "@wcs/api/release";
import { operationOnWire } from "@wcs/api/wire";
import type { ResourceView } from "./resource-view.ts";

const list = operationOnWire<(typeof freezeOperations)[0]>("freezewindows.list");
const remove = operationOnWire<(typeof freezeOperations)[2]>("freezewindows.delete");

export const freezeWindowView: ResourceView = {
  view: {
    columns: [
      { header: { en: "NAME", zh: "名称" }, value: ({ name }) => name },
      { header: { en: "ENVIRONMENTS", zh: "环境" }, value: ({ environments }) => environments },
      { header: { en: "TIME ZONE", zh: "时区" }, value: ({ timeZone }) => timeZone },
      { header: { en: "WHEN", zh: "时间" }, value: ({ when }) => when },
      { header: { en: "REASON", zh: "原因" }, value: ({ reason }) => reason },
    ],
    nameOf: ({ name }) => `freeze-window/${String(name)}`,
  },
  filters: [],
  list: async ({ client }) => ({ items: (await client.call(list, {})).body.items, next: null }),
  remove: async (client, name, { dryRun, ...act }) => {
    await client.call(remove, { params: { name }, query: { dryRun }, ...act });
  },
};
