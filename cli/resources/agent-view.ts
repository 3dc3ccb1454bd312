import type { OperationAnswer } from "@wcs/api";
import { agentOperations } from "@wcs/api/agent";
import type { ResourceView } from "./resource-view.ts";

const [list, get] = agentOperations;

type Agent = OperationAnswer<typeof get>;
const agentOf = (item: unknown): Agent => item as Agent;

export const agentView: ResourceView = {
  view: {
    columns: [
      { header: { en: "HOST", zh: "宿主机" }, value: ({ host }) => host },
      { header: { en: "STATE", zh: "状态" }, value: ({ state }) => state },
      { header: { en: "LINKED", zh: "连接" }, value: (item) => agentOf(item).links.length },
      {
        header: { en: "CERTIFICATE UNTIL", zh: "证书到期" },
        value: (item) => agentOf(item).certificate?.expiresAt ?? null,
      },
      { header: { en: "JOINED", zh: "加入时间" }, value: ({ joinedAt }) => joinedAt, wide: true },
      { header: { en: "REASON", zh: "原因" }, value: ({ reason }) => reason, wide: true },
      {
        header: { en: "SERVERS", zh: "服务器" },
        value: (item) =>
          agentOf(item)
            .links.map(({ server }) => server)
            .join(", "),
        wide: true,
      },
    ],
    nameOf: ({ host }) => `agent/${String(host)}`,
  },
  filters: [],
  list: async ({ client, cursor }) => {
    const { body } = await client.call(list, { query: cursor === undefined ? {} : { cursor } });
    return body;
  },
  get: async (client, name) => (await client.call(get, { params: { name } })).body,
};
