import { cmdbOperations } from "@wcs/api/cmdb";
import { UsageError } from "../program/usage-error.ts";
import type { ResourceView } from "./resource-view.ts";

/** Where changes of hosts, VMs and instances are sent. */
export const cmdbTargetView: ResourceView = {
  view: {
    columns: [
      { header: { en: "NAME", zh: "名称" }, value: ({ name }) => name },
      { header: { en: "TYPE", zh: "类型" }, value: ({ type }) => type },
      { header: { en: "ENABLED", zh: "启用" }, value: ({ enabled }) => enabled },
      { header: { en: "KINDS", zh: "对象类型" }, value: ({ kinds }) => kinds },
      { header: { en: "WAITING", zh: "待投递" }, value: ({ waiting }) => waiting },
      { header: { en: "DEAD", zh: "死信" }, value: ({ dead }) => dead },
      { header: { en: "URL", zh: "地址" }, value: ({ url }) => url },
    ],
    nameOf: ({ name }) => `cmdb-target/${String(name)}`,
  },
  filters: [],
  list: async ({ client }) => ({ ...(await client.call(cmdbOperations.listTargets, {})).body, next: null }),
  get: async (client, name) => {
    const { body } = await client.call(cmdbOperations.listTargets, {});
    const target = body.items.find((each) => each.name === name);
    if (target === undefined) {
      const known = body.items.map((each) => each.name).join(", ") || "-";
      throw new UsageError(
        `there is no CMDB target ${name}; there are: ${known}`,
        `没有 CMDB 目标 ${name}；已有：${known}`,
      );
    }
    return target;
  },
  remove: async (client, name, { dryRun, ...act }) => {
    await client.call(cmdbOperations.deleteTarget, { params: { name }, query: { dryRun }, ...act });
  },
};

/** Changes on their way to the CMDB. */
export const cmdbDeliveryView: ResourceView = {
  view: {
    columns: [
      { header: { en: "ID", zh: "编号" }, value: ({ id }) => id },
      { header: { en: "TARGET", zh: "目标" }, value: ({ target }) => target },
      { header: { en: "STATE", zh: "状态" }, value: ({ state }) => state },
      { header: { en: "OBJECT", zh: "对象" }, value: ({ kind, name }) => `${String(kind)}/${String(name)}` },
      { header: { en: "CHANGE", zh: "变更" }, value: ({ change }) => change },
      { header: { en: "ATTEMPTS", zh: "尝试次数" }, value: ({ attempts }) => attempts },
      {
        header: { en: "NEXT", zh: "下次投递" },
        value: ({ nextAt, state }) => (state === "waiting" ? nextAt : undefined),
      },
      { header: { en: "LAST ERROR", zh: "最近错误" }, value: ({ lastError }) => lastError },
      { header: { en: "VERSION", zh: "版本" }, value: ({ version }) => version, wide: true },
    ],
    nameOf: ({ id }) => `cmdb-delivery/${String(id)}`,
  },
  filters: ["target", "state"],
  list: async ({ client, cursor, filters }) => {
    const query = { limit: 500, ...filters, ...(cursor === undefined ? {} : { cursor }) };
    return (await client.call(cmdbOperations.listDeliveries, { query })).body;
  },
};
