import type { OperationAnswer } from "@wcs/api";
import { grantOperations } from "@wcs/api/privilege-grant";
import type { ResourceView } from "./resource-view.ts";

const [list, , get] = grantOperations;

export type PrivilegeGrant = OperationAnswer<typeof get>;

const of = (item: object) => item as PrivilegeGrant;

export const grantView: ResourceView = {
  view: {
    columns: [
      { header: { en: "ID", zh: "编号" }, value: ({ id }) => id },
      { header: { en: "PERSON", zh: "人员" }, value: ({ person }) => person },
      { header: { en: "GRADE", zh: "级别" }, value: ({ grade }) => grade },
      { header: { en: "INSTANCES", zh: "实例" }, value: (item) => of(item).instances },
      { header: { en: "CAPABILITIES", zh: "权限" }, value: (item) => of(item).capabilities },
      { header: { en: "MINUTES", zh: "分钟" }, value: ({ minutes }) => minutes },
      { header: { en: "STATE", zh: "状态" }, value: ({ state }) => state },
      { header: { en: "APPROVED BY", zh: "审批人" }, value: ({ approvedBy }) => approvedBy },
      { header: { en: "ENDS", zh: "结束" }, value: ({ endsAt }) => endsAt },
      { header: { en: "WHY", zh: "事由" }, value: ({ why }) => why, wide: true },
      { header: { en: "IMAGE", zh: "镜像" }, value: ({ image }) => image, wide: true },
      { header: { en: "TICKET", zh: "变更单" }, value: ({ ticket }) => ticket, wide: true },
    ],
    nameOf: ({ id }) => `grant/${String(id)}`,
  },
  filters: ["person", "instance"],
  list: async ({ client, cursor, filters }) => {
    const query = { ...filters, ...(cursor === undefined ? {} : { cursor }) };
    return (await client.call(list, { query })).body;
  },
  get: async (client, id) => (await client.call(get, { params: { id } })).body,
};
