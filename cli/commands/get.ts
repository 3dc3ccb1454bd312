import type { Command, CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { findResource, resources } from "../resources/resources.ts";
import type { Item, ResourceView } from "../resources/resource-view.ts";

const mostItems = 100_000;

export const get: Command = {
  usage: "RESOURCE [NAME]… [-l FIELD=VALUE]…",
  options: {
    filter: {
      type: "string",
      short: "l",
      value: "FIELD=VALUE",
      multiple: true,
      help: { en: "only those whose field has the value", zh: "按字段过滤" },
    },
    limit: { type: "string", value: "N", help: { en: "at most so many", zh: "最多显示条数" } },
  },
  examples: ["wcs get hosts -l rack=idc1-r1", "wcs get host idc1-r1-h1 -o yaml"],
  complete: async (words) => (words.length <= 1 ? resources.map(({ nouns }) => nouns[0] ?? "") : []),
  run: async (context) => {
    const { words, output } = context;
    const [noun, ...names] = words;
    const resource = await findResource(noun);
    const client = await context.client();
    if (names.length === 0) {
      await output.list(await listAll(resource, context), resource.view);
      return exitCodes.ok;
    }
    const { get: getOne } = resource;
    if (getOne === undefined) throw new UsageError(`${noun} have no names to get by`, `${noun} 不能按名称查看`);
    const items: Item[] = [];
    for (const name of names) items.push(await getOne(client, name));
    const [first] = items;
    if (items.length === 1 && first !== undefined) {
      await output.one(first, resource.view);
      const isForPeople = output.format === "table" || output.format === "wide";
      if (isForPeople) await resource.more?.(client, output, names[0] ?? "");
    } else await output.list(items, resource.view);
    return exitCodes.ok;
  },
};

async function listAll(resource: ResourceView, context: CommandContext): Promise<readonly Item[]> {
  const filters = parseFilters(context.options["filter"], resource.filters);
  const most = parseLimit(context.options["limit"]);
  const client = await context.client();
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await resource.list({ client, cursor, filters });
    items.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && items.length < most);
  return items.slice(0, most);
}

function parseFilters(value: unknown, known: readonly string[]): Readonly<Record<string, string>> {
  const filters: Record<string, string> = {};
  for (const text of Array.isArray(value) ? (value as string[]) : []) {
    const [field = "", ...rest] = text.split("=");
    if (rest.length === 0 || !known.includes(field)) {
      const fields = known.join(", ") || "-";
      throw new UsageError(
        `-l ${text}: not FIELD=VALUE with one of ${fields}`,
        `-l ${text}：应为 FIELD=VALUE，字段：${fields}`,
      );
    }
    filters[field] = rest.join("=");
  }
  return filters;
}

function parseLimit(value: unknown): number {
  if (value === undefined) return mostItems;
  const limit = Number(value);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw new UsageError("--limit takes a whole number above 0", "--limit 应为正整数");
}
