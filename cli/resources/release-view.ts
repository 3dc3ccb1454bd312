import type { OperationAnswer } from "@wcs/api";
import type { releaseOperations } from "@wcs/api/release";
import { operationOnWire } from "@wcs/api/wire";
import type { ResourceView } from "./resource-view.ts";

const list = operationOnWire<(typeof releaseOperations)[0]>("releases.list");
const get = operationOnWire<(typeof releaseOperations)[2]>("releases.get");

const of = (item: object) => {
  const { passed, instances, batch, batches } = item as Release;
  return { passedOf: `${passed}/${instances}`, batchOf: `${batch ?? "-"}/${batches}` };
};

export type Release = OperationAnswer<typeof get>;

export const releaseView: ResourceView = {
  view: {
    columns: [
      { header: { en: "ID", zh: "编号" }, value: ({ id }) => id },
      { header: { en: "KIND", zh: "类型" }, value: ({ kind }) => kind },
      { header: { en: "SUBSYSTEM", zh: "子系统" }, value: ({ subsystem }) => subsystem },
      { header: { en: "ENVIRONMENT", zh: "环境" }, value: ({ environment }) => environment },
      { header: { en: "STATE", zh: "状态" }, value: ({ state }) => state },
      { header: { en: "PASSED", zh: "已通过" }, value: (item) => of(item).passedOf },
      { header: { en: "BATCH", zh: "批次" }, value: (item) => of(item).batchOf },
      { header: { en: "REASON", zh: "说明" }, value: ({ reason }) => reason },
      { header: { en: "REQUESTER", zh: "申请人" }, value: ({ requester }) => requester, wide: true },
      { header: { en: "STARTED BY", zh: "开始人" }, value: ({ startedBy }) => startedBy, wide: true },
      { header: { en: "TICKET", zh: "变更单" }, value: ({ ticket }) => ticket, wide: true },
      { header: { en: "STARTED", zh: "开始" }, value: ({ startedAt }) => startedAt, wide: true },
      { header: { en: "SECONDS", zh: "秒" }, value: ({ durationSeconds }) => durationSeconds, wide: true },
    ],
    nameOf: ({ id }) => `release/${String(id)}`,
  },
  filters: ["subsystem"],
  list: async ({ client, cursor, filters }) => {
    const query = { ...filters, ...(cursor === undefined ? {} : { cursor }) };
    return (await client.call(list, { query })).body;
  },
  get: async (client, id) => (await client.call(get, { params: { id } })).body,
};

type Target = Release["targets"][number];

/** What a release does to each instance, as a table. */
export const targetView = {
  columns: [
    { header: { en: "BATCH", zh: "批次" }, value: ({ batch }: Target) => String(batch) },
    { header: { en: "INSTANCE", zh: "实例" }, value: ({ instance }: Target) => instance },
    { header: { en: "EFFECT", zh: "方式" }, value: ({ effect }: Target) => effect },
    { header: { en: "CHANGES", zh: "变更" }, value: ({ changes }: Target) => changes.map(({ path }) => path) },
    { header: { en: "OUTCOME", zh: "结果" }, value: ({ outcome }: Target) => outcome },
    { header: { en: "SECONDS", zh: "秒" }, value: ({ seconds }: Target) => seconds },
    { header: { en: "CHANGED", zh: "变更于" }, value: ({ changedAt }: Target) => changedAt },
    { header: { en: "PASSED", zh: "通过于" }, value: ({ passedAt }: Target) => passedAt },
    { header: { en: "FAILURE", zh: "失败原因" }, value: ({ failure }: Target) => failure?.summary ?? null },
  ],
  nameOf: ({ instance }: Target) => `instance/${instance}`,
};
