import type { OperationAnswer } from "@wcs/api";
import type { templateOperations } from "@wcs/api/template";
import { operationOnWire } from "@wcs/api/wire";
import { UsageError } from "../program/usage-error.ts";
import type { ResourceView } from "./resource-view.ts";

const list = operationOnWire<(typeof templateOperations)[0]>("templates.list");
const get = operationOnWire<(typeof templateOperations)[2]>("templates.get");

type Template = OperationAnswer<typeof list>["items"][number];

const nameOfTemplate = (item: object): string => {
  const { subsystem, version } = item as Template;
  return `${subsystem}/${version}`;
};

export const templateView: ResourceView = {
  view: {
    columns: [
      { header: { en: "NAME", zh: "名称" }, value: nameOfTemplate },
      { header: { en: "IMAGE", zh: "镜像" }, value: ({ image }) => image },
      { header: { en: "NOTE", zh: "说明" }, value: ({ note }) => note },
      { header: { en: "BY", zh: "创建人" }, value: ({ createdBy }) => createdBy },
      { header: { en: "AT", zh: "创建于" }, value: ({ createdAt }) => createdAt },
      { header: { en: "HASH", zh: "摘要" }, value: ({ hash }) => hash, wide: true },
    ],
    nameOf: (item) => `template/${nameOfTemplate(item)}`,
  },
  filters: ["subsystem"],
  list: async ({ client, cursor, filters }) => {
    const query = { ...filters, ...(cursor === undefined ? {} : { cursor }) };
    return (await client.call(list, { query })).body;
  },
  get: async (client, name) => (await client.call(get, { params: templateName(name) })).body,
};

/** Takes `1001/3` apart. */
export function templateName(text: string): { subsystem: string; version: number } {
  const [subsystem = "", version = "", ...more] = text.split("/");
  if (more.length === 0 && /^[0-9]{4}$/.test(subsystem) && /^[1-9][0-9]{0,8}$/.test(version)) {
    return { subsystem, version: Number(version) };
  }
  throw new UsageError(`"${text}" is not a template such as 1001/3`, `"${text}" 不是模板名称，例如 1001/3`);
}
