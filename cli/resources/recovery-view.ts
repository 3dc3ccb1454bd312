import type { OperationAnswer } from "@wcs/api";
import type { recoveryOperations } from "@wcs/api/recovery";
import { operationOnWire } from "@wcs/api/wire";
import type { ListView } from "../output/output.ts";
import type { Language } from "../program/texts.ts";
import type { ResourceView } from "./resource-view.ts";

const list = operationOnWire<(typeof recoveryOperations)["list"]>("recoveries.list");
const get = operationOnWire<(typeof recoveryOperations)["get"]>("recoveries.get");

export type Recovery = OperationAnswer<typeof get>;

const of = (item: object) => item as Recovery;
const movedOf = (item: object): string => {
  const { moves, plan } = of(item);
  return `${moves.filter(({ state }) => state === "done").length}/${plan.moves.length}`;
};

export const recoveryView: ResourceView = {
  view: {
    columns: [
      { header: { en: "ID", zh: "编号" }, value: ({ id }) => id },
      { header: { en: "HOST", zh: "宿主机" }, value: ({ host }) => host },
      { header: { en: "RACK", zh: "机架" }, value: ({ rack }) => rack },
      { header: { en: "STATE", zh: "状态" }, value: ({ state }) => state },
      { header: { en: "MOVED", zh: "已迁移" }, value: movedOf },
      { header: { en: "STAY", zh: "保留" }, value: (item) => of(item).plan.left.length },
      { header: { en: "REASON", zh: "说明" }, value: ({ reason }) => reason },
      { header: { en: "REQUESTER", zh: "申请人" }, value: ({ requester }) => requester, wide: true },
      { header: { en: "TICKET", zh: "变更单" }, value: ({ ticket }) => ticket, wide: true },
    ],
    nameOf: ({ id }) => `recovery/${String(id)}`,
  },
  filters: ["host"],
  list: async ({ client, cursor, filters }) => {
    const query = { ...filters, ...(cursor === undefined ? {} : { cursor }) };
    return (await client.call(list, { query })).body;
  },
  get: async (client, id) => (await client.call(get, { params: { id } })).body,
};

type PlannedMove = Recovery["plan"]["moves"][number];

/** Which instance goes where, in which batch and why. */
export const plannedMoveView = (language: Language): ListView<PlannedMove> => ({
  columns: [
    { header: { en: "BATCH", zh: "批次" }, value: ({ batch }) => String(batch) },
    { header: { en: "INSTANCE", zh: "实例" }, value: ({ instance }) => instance },
    { header: { en: "IP", zh: "IP" }, value: ({ ips }) => ips },
    { header: { en: "TO", zh: "迁往" }, value: ({ toHost }) => toHost },
    { header: { en: "CLUSTER", zh: "集群" }, value: ({ toCluster }) => toCluster },
    { header: { en: "WHY", zh: "原因" }, value: ({ why }) => why[language] },
  ],
  nameOf: ({ instance }) => `instance/${instance}`,
});

type Move = Recovery["moves"][number];

/** What has become of each instance. */
export const moveView: ListView<Move> = {
  columns: [
    { header: { en: "BATCH", zh: "批次" }, value: ({ batch }) => String(batch) },
    { header: { en: "INSTANCE", zh: "实例" }, value: ({ instance }) => instance },
    { header: { en: "TO", zh: "迁往" }, value: ({ toHost }) => toHost },
    { header: { en: "STATE", zh: "状态" }, value: ({ state }) => state },
    { header: { en: "REASON", zh: "说明" }, value: ({ reason }) => reason },
  ],
  nameOf: ({ instance }) => `instance/${instance}`,
};
