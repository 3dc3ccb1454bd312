import type { Client } from "@wcs/api";
import type { estateOperations, listUses } from "@wcs/api/estate";
import { estateFilters } from "@wcs/api/estate/filters";
import { ProblemError } from "@wcs/api/http";
import { operationOnWire } from "@wcs/api/wire";
import type { EstateKind } from "@wcs/core/estate";
import type { Column } from "../output/table.ts";
import { estateNouns } from "./estate-nouns.ts";
import type { Item, ResourceView } from "./resource-view.ts";

type Spec = Readonly<Record<string, unknown>>;
const specOf = (item: Item): Spec => (item["spec"] ?? {}) as Spec;

const column = (en: string, zh: string, value: (item: Item) => unknown, wide = false): Column<Item> => ({
  header: { en, zh },
  value,
  ...(wide ? { wide } : {}),
});
const field = (name: string, en: string, zh: string, wide = false): Column<Item> =>
  column(en, zh, (item) => specOf(item)[name], wide);
const title = column("TITLE", "名称说明", (item) => item["title"]);
const state = column("STATE", "状态", (item) => specOf(item)["state"] ?? "available");
const addresses = column("ADDRESSES", "地址", (item) =>
  Object.entries((specOf(item)["addresses"] ?? {}) as Readonly<Record<string, string>>)
    .map(([area, address]) => `${area}=${address}`)
    .join(","),
);
const capacity = (name: string, en: string, zh: string): Column<Item> =>
  column(en, zh, (item) => ((specOf(item)["capacity"] ?? {}) as Spec)[name], true);
const idc = field("idc", "IDC", "机房");
const rack = field("rack", "RACK", "机架");
const business = field("business", "BUSINESS", "业务部门");
const environment = field("environment", "ENVIRONMENT", "环境");

/** The columns of each kind after its name. */
const columns: Readonly<Record<EstateKind, readonly Column<Item>[]>> = {
  City: [title],
  IDC: [field("city", "CITY", "城市"), title],
  Area: [field("external", "EXTERNAL", "外部"), field("prefixes", "PREFIXES", "路由网段", true)],
  Rack: [idc, state, field("switch", "SWITCH", "交换机", true)],
  Subnet: [
    rack,
    field("area", "AREA", "区域"),
    field("cidr", "CIDR", "网段"),
    field("gateway", "GATEWAY", "网关"),
    field("fixed", "FIXED", "固定地址", true),
    field("dynamic", "DYNAMIC", "动态地址", true),
  ],
  Environment: [field("ticketRequired", "TICKET", "需变更单"), field("approvals", "APPROVALS", "审批人数"), title],
  Business: [title],
  Person: [business, field("email", "EMAIL", "邮箱"), title],
  System: [business, title],
  Subsystem: [
    field("system", "SYSTEM", "系统"),
    field("importance", "IMPORTANCE", "重要级别"),
    field("owner", "OWNER", "负责人"),
    title,
    field("operationsGroup", "OPERATIONS", "运维组", true),
  ],
  Class: [
    field("cpuMilli", "CPU (m)", "CPU (m)"),
    field("memoryMiB", "MEMORY (MiB)", "内存 (MiB)"),
    field("diskGiB", "DISK (GiB)", "磁盘 (GiB)", true),
    field("ioClass", "IO CLASS", "IO 类型", true),
  ],
  Cluster: [idc, environment, state],
  Pool: [
    environment,
    field("cpuOvercommitPercent", "OVERCOMMIT %", "超分 %"),
    column("BUSINESSES", "业务部门", (item) => Object.keys(specOf(item)["quotas"] ?? {}).join(",")),
  ],
  Host: [
    rack,
    field("cluster", "CLUSTER", "集群"),
    field("pool", "POOL", "资源池"),
    state,
    addresses,
    capacity("cpuMilli", "CPU (m)", "CPU (m)"),
    capacity("memoryMiB", "MEMORY (MiB)", "内存 (MiB)"),
    capacity("diskGiB", "DISK (GiB)", "磁盘 (GiB)"),
  ],
  DCNGroup: [field("sharedIdc", "SHARED IDC", "可同机房"), title],
  DCN: [
    field("group", "GROUP", "组"),
    idc,
    environment,
    field("role", "ROLE", "角色"),
    field("clusters", "CLUSTERS", "集群", true),
  ],
  VM: [
    rack,
    addresses,
    field("subsystem", "SUBSYSTEM", "子系统"),
    field("dcn", "DCN", "数据单元"),
    field("hypervisor", "HYPERVISOR", "物理机", true),
  ],
};

type Operations = (typeof estateOperations)[EstateKind];
const usesOnWire = operationOnWire<typeof listUses>("estate-uses.list");

function nounsOf(kind: EstateKind): readonly [plural: string, singular: string] {
  const nouns = estateNouns.find((each) => each.kind === kind)?.nouns;
  if (nouns === undefined) throw new Error(`the command line has no noun for ${kind}`);
  return [nouns[0], nouns[1] ?? nouns[0]];
}

/** How a kind of the estate is listed, shown and deleted. */
export function estateView(kind: EstateKind): ResourceView {
  const [plural, singular] = nounsOf(kind);
  const list = operationOnWire<Operations["list"]>(`${plural}.list`);
  const get = operationOnWire<Operations["get"]>(`${plural}.get`);
  const remove = operationOnWire<Operations["remove"]>(`${plural}.delete`);
  return {
    view: {
      columns: [
        column("NAME", "名称", (item) => item["name"]),
        ...columns[kind],
        column("VERSION", "版本", (item) => item["version"], true),
      ],
      nameOf: ({ name }) => `${singular}/${String(name)}`,
    },
    filters: estateFilters[kind],
    list: async ({ client, cursor, filters }) => {
      const query = { limit: 500, ...filters, ...(cursor === undefined ? {} : { cursor }) };
      const { body } = await client.call(list, { query });
      return body;
    },
    get: async (client, name) => (await client.call(get, { params: { name } })).body,
    describe: (client, name) => describeDocument(client, kind, name),
    remove: async (client, name, { dryRun, ...act }) => {
      await client.call(remove, { params: { name }, query: { dryRun }, ...act });
    },
  };
}

/** The document, what uses it, and of a cluster how WCS is connected with it. */
async function describeDocument(client: Client, kind: EstateKind, name: string): Promise<Item> {
  const get = operationOnWire<Operations["get"]>(`${nounsOf(kind)[0]}.get`);
  const { body: document } = await client.call(get, { params: { name } });
  const { body: uses } = await client.call(usesOnWire, { query: { kind, name } });
  const usedBy = uses.items.map((user) => `${user.kind} ${user.name}`);
  return {
    ...document,
    ...(kind === "Cluster" ? { connection: await connectionOf(client, name) } : {}),
    usedBy: uses.more ? [...usedBy, "…"] : usedBy,
  };
}

async function connectionOf(client: Client, name: string): Promise<unknown> {
  const { clusterOperations } = await import("@wcs/api/cluster");
  try {
    const { body } = await client.call(clusterOperations[1], { params: { name } });
    const { name: _name, ...connection } = body;
    return connection;
  } catch (error) {
    // Not connected, or not for this caller to see.
    if (error instanceof ProblemError && [403, 404].includes(error.problem.status)) return null;
    throw error;
  }
}
