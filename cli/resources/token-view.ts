import type { OperationAnswer } from "@wcs/api";
import type { tokenOperations } from "@wcs/api/token";
import { operationOnWire } from "@wcs/api/wire";
import type { ResourceView } from "./resource-view.ts";

const list = operationOnWire<(typeof tokenOperations)[0]>("tokens.list");
const revoke = operationOnWire<(typeof tokenOperations)[2]>("tokens.revoke");

type Token = OperationAnswer<typeof list>["items"][number];

export const tokenView: ResourceView = {
  view: {
    columns: [
      { header: { en: "ID", zh: "编号" }, value: ({ id }) => id },
      {
        header: { en: "SUBJECT", zh: "主体" },
        value: (item) => {
          const { subject } = item as Token;
          return `${subject.kind}/${subject.name}`;
        },
      },
      { header: { en: "DESCRIPTION", zh: "说明" }, value: ({ description }) => description },
      { header: { en: "EXPIRES", zh: "到期" }, value: ({ expiresAt }) => expiresAt },
      { header: { en: "REVOKED", zh: "吊销" }, value: ({ revokedAt }) => revokedAt },
      { header: { en: "LAST USED", zh: "最近使用" }, value: ({ lastUsedAt }) => lastUsedAt, wide: true },
      { header: { en: "SCOPE", zh: "范围" }, value: ({ scope }) => scope, wide: true },
    ],
    nameOf: ({ id }) => `token/${String(id)}`,
  },
  filters: [],
  list: async ({ client, cursor }) => {
    const { body } = await client.call(list, { query: cursor === undefined ? {} : { cursor } });
    return body;
  },
  remove: async (client, id, { dryRun, ...act }) => {
    await client.call(revoke, { params: { id }, query: { dryRun }, ...act });
  },
};
