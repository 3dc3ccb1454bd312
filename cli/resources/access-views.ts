import type { Client } from "@wcs/api";
import { accessOperations, type AccessKind } from "@wcs/api/access";
import type { Column } from "../output/table.ts";
import type { Item, ResourceView } from "./resource-view.ts";

const spec = (item: Item): Readonly<Record<string, unknown>> => item["spec"] as Readonly<Record<string, unknown>>;
const namesOf = (list: unknown): string =>
  (list as readonly { kind: string; name: string }[]).map(({ kind, name }) => `${kind}/${name}`).join(",");

const nameColumn: Column<Item> = { header: { en: "NAME", zh: "名称" }, value: ({ name }) => name };
const businessColumn: Column<Item> = {
  header: { en: "BUSINESS", zh: "业务部门" },
  value: (item) => spec(item)["business"],
};
const lastColumns: readonly Column<Item>[] = [
  { header: { en: "TITLE", zh: "标题" }, value: ({ title }) => title },
  { header: { en: "UPDATED", zh: "更新时间" }, value: ({ updatedAt }) => updatedAt, wide: true },
];

const columns: Readonly<Record<AccessKind, readonly Column<Item>[]>> = {
  Group: [
    nameColumn,
    businessColumn,
    { header: { en: "MEMBERS", zh: "成员" }, value: (item) => spec(item)["members"] },
    ...lastColumns,
  ],
  ServiceAccount: [nameColumn, businessColumn, ...lastColumns],
  Role: [
    nameColumn,
    {
      header: { en: "RULES", zh: "规则" },
      value: (item) =>
        (spec(item)["rules"] as readonly { effect: string; verbs: string[]; resources: string[] }[])
          .map(({ effect, verbs, resources }) => `${effect} ${verbs.join("|")} ${resources.join("|")}`)
          .join("; "),
    },
    ...lastColumns,
  ],
  RoleBinding: [
    nameColumn,
    { header: { en: "ROLE", zh: "角色" }, value: (item) => spec(item)["role"] },
    { header: { en: "SUBJECTS", zh: "主体" }, value: (item) => namesOf(spec(item)["subjects"]) },
    { header: { en: "BUSINESSES", zh: "业务部门" }, value: (item) => spec(item)["businesses"] },
    { header: { en: "ENVIRONMENTS", zh: "环境" }, value: (item) => spec(item)["environments"] },
    { header: { en: "DCN GROUPS", zh: "数据单元组" }, value: (item) => spec(item)["dcnGroups"] },
    { header: { en: "UNTIL", zh: "截止" }, value: (item) => spec(item)["until"], wide: true },
    ...lastColumns,
  ],
};

/** The view of groups, service accounts, roles or role bindings. */
export function accessView(kind: AccessKind): ResourceView {
  const { list, get, remove } = accessOperations[kind] as (typeof accessOperations)["Group"];
  return {
    view: { columns: columns[kind], nameOf: ({ name }) => `${kind.toLowerCase()}/${String(name)}` },
    filters: [],
    list: async ({ client, cursor }) =>
      (await client.call(list, { query: cursor === undefined ? {} : { cursor } })).body,
    get: async (client: Client, name: string) => (await client.call(get, { params: { name } })).body,
    remove: async (client, name, { dryRun, ...act }) => {
      await client.call(remove, { params: { name }, query: { dryRun }, ...act });
    },
  };
}
