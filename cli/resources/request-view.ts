import type { OperationAnswer } from "@wcs/api";
import type { requestOperations } from "@wcs/api/request";
import { operationOnWire } from "@wcs/api/wire";
import type { Language } from "../program/texts.ts";
import type { ResourceView } from "./resource-view.ts";

const list = operationOnWire<(typeof requestOperations)[0]>("requests.list");
const get = operationOnWire<(typeof requestOperations)[2]>("requests.get");

export type InstanceRequest = OperationAnswer<typeof get>;

const of = (item: object) => item as InstanceRequest;
const itemsOf = (item: object) => [of(item).body, ...(of(item).body.together ?? [])];

export const requestView: ResourceView = {
  view: {
    columns: [
      { header: { en: "ID", zh: "编号" }, value: ({ id }) => id },
      { header: { en: "SUBSYSTEM", zh: "子系统" }, value: (item) => itemsOf(item).map(({ subsystem }) => subsystem) },
      { header: { en: "ENVIRONMENT", zh: "环境" }, value: ({ environment }) => environment },
      {
        header: { en: "COUNTS", zh: "数量" },
        value: (item) =>
          itemsOf(item).map(({ counts = {} }) =>
            Object.entries(counts)
              .map(([dcn, count]) => `${dcn}=${count}`)
              .join("+"),
          ),
      },
      { header: { en: "CLASS", zh: "规格" }, value: (item) => itemsOf(item).flatMap((each) => each.class ?? []) },
      { header: { en: "NEW", zh: "新增" }, value: (item) => of(item).plan.places.length },
      { header: { en: "GOING", zh: "下线" }, value: (item) => of(item).plan.removals.length },
      { header: { en: "RESIZED", zh: "变更规格" }, value: (item) => of(item).plan.resizes.length },
      { header: { en: "STATE", zh: "状态" }, value: ({ state }) => state },
      { header: { en: "REQUESTER", zh: "申请人" }, value: ({ requester }) => requester },
      { header: { en: "TICKET", zh: "变更单" }, value: ({ ticket }) => ticket, wide: true },
      { header: { en: "REASON", zh: "说明" }, value: ({ reason }) => reason, wide: true },
    ],
    nameOf: ({ id }) => `request/${String(id)}`,
  },
  filters: ["subsystem"],
  list: async ({ client, cursor, filters }) => {
    const query = { ...filters, ...(cursor === undefined ? {} : { cursor }) };
    return (await client.call(list, { query })).body;
  },
  get: async (client, id) => (await client.call(get, { params: { id } })).body,
};

type Place = InstanceRequest["plan"]["places"][number];

/** The places of a request's plan, as a table. */
export const placeView = {
  columns: [
    { header: { en: "SUBSYSTEM", zh: "子系统" }, value: ({ subsystem }: Place) => subsystem },
    { header: { en: "DCN", zh: "数据单元" }, value: ({ dcn }: Place) => dcn },
    { header: { en: "IDC", zh: "机房" }, value: ({ idc }: Place) => idc },
    { header: { en: "CLUSTER", zh: "集群" }, value: ({ cluster }: Place) => cluster },
    { header: { en: "RACK", zh: "机架" }, value: ({ rack }: Place) => rack },
    { header: { en: "HOST", zh: "宿主机" }, value: ({ host }: Place) => host },
    { header: { en: "POOL", zh: "资源池" }, value: ({ pool }: Place) => pool },
    { header: { en: "SUBNETS", zh: "网段" }, value: ({ nics }: Place) => nics.map(({ subnet }) => subnet) },
    { header: { en: "BORROWED", zh: "借用" }, value: ({ borrowed }: Place) => (borrowed ? "yes" : null) },
  ],
  nameOf: ({ host }: Place) => `host/${host}`,
};

type Resize = InstanceRequest["plan"]["resizes"][number];

/** The instances that a plan resizes, as a table; reasons in one language. */
export const resizeView = (language: Language) => ({
  columns: [
    { header: { en: "INSTANCE", zh: "实例" }, value: ({ instance }: Resize) => instance },
    { header: { en: "FROM", zh: "原规格" }, value: ({ fromClass }: Resize) => fromClass },
    { header: { en: "TO", zh: "新规格" }, value: ({ toClass }: Resize) => toClass },
    { header: { en: "EFFECT", zh: "方式" }, value: ({ effect }: Resize) => effect },
    { header: { en: "HOST", zh: "宿主机" }, value: ({ toHost }: Resize) => toHost },
    { header: { en: "WHY", zh: "原因" }, value: ({ reasons }: Resize) => reasons.map((reason) => reason[language]) },
  ],
  nameOf: ({ instance }: Resize) => `instance/${instance}`,
});
