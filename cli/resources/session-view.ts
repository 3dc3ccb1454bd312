import type { OperationAnswer } from "@wcs/api";
import { sessionOperations } from "@wcs/api/session";
import type { ResourceView } from "./resource-view.ts";

const [list, get] = sessionOperations;

type Session = OperationAnswer<typeof get>;
const sessionOf = (item: unknown): Session => item as Session;

export const sessionView: ResourceView = {
  view: {
    columns: [
      { header: { en: "ID", zh: "编号" }, value: ({ id }) => id },
      { header: { en: "KIND", zh: "类型" }, value: ({ kind }) => kind },
      { header: { en: "PERSON", zh: "人员" }, value: (item) => sessionOf(item).person.name },
      { header: { en: "INSTANCE", zh: "实例" }, value: ({ instance }) => instance },
      { header: { en: "STATE", zh: "状态" }, value: ({ state }) => state },
      {
        header: { en: "EXIT", zh: "退出" },
        value: (item) => sessionOf(item).exit?.code ?? sessionOf(item).exit?.reason ?? null,
      },
      { header: { en: "STARTED", zh: "开始" }, value: ({ startedAt }) => startedAt },
      {
        header: { en: "COMMAND", zh: "命令" },
        value: (item) => {
          const { command } = sessionOf(item);
          if (command.kind === "exec") return command.argv.join(" ");
          return command.kind === "run" ? command.name : (command.contains ?? "");
        },
      },
      { header: { en: "REASON", zh: "原因" }, value: ({ reason }) => reason, wide: true },
    ],
    nameOf: ({ id }) => `session/${String(id)}`,
  },
  filters: [],
  list: async ({ client, cursor }) => {
    const { body } = await client.call(list, { query: cursor === undefined ? {} : { cursor } });
    return body;
  },
  get: async (client, id) => (await client.call(get, { params: { id } })).body,
};
