import type { CallResult, OperationAnswer } from "@wcs/api";
import type { auditOperations } from "@wcs/api/audit";
import { operationOnWire } from "@wcs/api/wire";
import type { ListView } from "../output/output.ts";
import type { Command, CommandContext, CommandOption } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";

const list = operationOnWire<(typeof auditOperations)[0]>("audit.list");
const verify = operationOnWire<(typeof auditOperations)[1]>("audit.verify");

type Entry = OperationAnswer<typeof list>["items"][number];

const filters = ["actor", "kind", "name", "act", "since", "until"] as const;

const option = (value: string, en: string, zh: string): CommandOption => ({ type: "string", value, help: { en, zh } });

export const audit: Command = {
  usage: "list | verify",
  options: {
    actor: option("NAME", "only what this one did", "仅该操作者"),
    kind: option("KIND", "only on resources of this kind", "仅该类资源"),
    name: option("NAME", "only on the resource of this name", "仅该名称的资源"),
    act: option("OPERATION", "only this operation, such as hosts.create", "仅该操作，如 hosts.create"),
    since: option("TIME", "from this time on, such as 2026-11-24T08:00:00Z", "起始时间，如 2026-11-24T08:00:00Z"),
    until: option("TIME", "before this time", "截止时间"),
    limit: option("N", "at most so many (default 100)", "最多显示条数（默认 100）"),
  },
  examples: ["wcs audit list --actor alice --since 2026-11-24T00:00:00Z", "wcs audit verify"],
  complete: async (words) => (words.length <= 1 ? ["list", "verify"] : []),
  run: async (context) => {
    const [verb, ...more] = context.words;
    if (more.length === 0 && verb === "list") return await listEntries(context);
    const given = [...filters, "limit"].find((name) => context.options[name] !== undefined);
    if (more.length === 0 && verb === "verify" && given !== undefined) {
      throw new UsageError(
        `verify takes no --${given}: it is about all entries`,
        `verify 不接受 --${given}：校验针对全部记录`,
      );
    }
    if (more.length === 0 && verb === "verify") return await verifyChains(context);
    throw new UsageError("say list or verify", "请用 list 或 verify");
  },
};

const view: ListView<Entry> = {
  columns: [
    { header: { en: "AT", zh: "时间" }, value: ({ at }) => at },
    { header: { en: "ACTOR", zh: "操作者" }, value: ({ actor }) => `${actor.kind}/${actor.name}` },
    { header: { en: "ACT", zh: "操作" }, value: ({ act }) => act },
    { header: { en: "RESOURCE", zh: "资源" }, value: ({ resource }) => `${resource.kind}/${resource.name}` },
    { header: { en: "OUTCOME", zh: "结果" }, value: ({ outcome }) => outcome },
    { header: { en: "TICKET", zh: "变更单" }, value: ({ ticket }) => ticket },
    { header: { en: "REASON", zh: "原因" }, value: ({ reason }) => reason },
    { header: { en: "FROM", zh: "来源" }, value: ({ from }) => from, wide: true },
    { header: { en: "REQUEST", zh: "请求" }, value: ({ requestId }) => requestId, wide: true },
    { header: { en: "ROW", zh: "行" }, value: ({ chain, sequence }) => `${chain}/${sequence}`, wide: true },
  ],
  nameOf: ({ chain, sequence }) => `audit/${chain}/${sequence}`,
};

async function listEntries({ client, options, output }: CommandContext): Promise<number> {
  const most = Number(options["limit"] ?? 100);
  if (!Number.isInteger(most) || most < 1) {
    throw new UsageError("--limit takes a whole number above 0", "--limit 应为正整数");
  }
  const filter = Object.fromEntries(
    filters.map((name) => [name, options[name]]).filter(([, value]) => value !== undefined),
  );
  const connection = await client();
  const items: Entry[] = [];
  let cursor = null as string | null;
  do {
    const query = { ...filter, limit: Math.min(500, most - items.length), ...(cursor === null ? {} : { cursor }) };
    const { body }: CallResult<OperationAnswer<typeof list>> = await connection.call(list, { query });
    items.push(...body.items);
    cursor = body.next;
  } while (cursor !== null && items.length < most);
  await output.list(items, view);
  return exitCodes.ok;
}

async function verifyChains({ client, output }: CommandContext): Promise<number> {
  const { body } = await (await client()).call(verify, {});
  if (output.format === "json" || output.format === "yaml") await output.document(body);
  else for (const { message } of body.faults) output.line(message);
  const until = body.checkpointedUntil ?? "-";
  output.say(
    body.ok
      ? {
          en: `${body.entries} entries in ${body.heads.length} chains are whole; checkpointed until ${until}`,
          zh: `${body.heads.length} 条链共 ${body.entries} 条记录完整；检查点截至 ${until}`,
        }
      : {
          en: `${body.faults.length + body.faultsLeftOut} faults in ${body.entries} entries`,
          zh: `${body.entries} 条记录中发现 ${body.faults.length + body.faultsLeftOut} 处异常`,
        },
  );
  return body.ok ? exitCodes.ok : exitCodes.failed;
}
