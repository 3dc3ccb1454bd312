import type { CallResult, Client, OperationAnswer } from "@wcs/api";
import { estateOperations } from "@wcs/api/estate";
import { placementOperations } from "@wcs/api/placement";
import type { RequestItem } from "@wcs/api/request";
import type { Command, CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import type { ListView } from "../output/output.ts";
import { placementAsksOf, placementOptions } from "./placement-options.ts";

type Explanation = OperationAnswer<typeof placementOperations.explain>;
type Replay = OperationAnswer<typeof placementOperations.replay>;
type Answer = Explanation["answer"];
type Planned = Extract<Answer, { outcome: "plan" }>["places"][number];

export const explain: Command = {
  usage:
    "placement --subsystem ID --class CLASS DCN=COUNT… | placement SUBSYSTEM/CLASS:DCN=COUNT,…… | placement --request REQUEST [--replay]",
  options: {
    request: {
      type: "string",
      value: "REQUEST",
      help: { en: "the decision that was made for this request", zh: "该申请当时的分配决定" },
    },
    replay: {
      type: "boolean",
      help: {
        en: "make it again from the picture stored with it, and compare",
        zh: "用当时保存的资源快照重新计算并比对",
      },
    },
    ...placementOptions,
    host: {
      type: "string",
      value: "HOST",
      help: { en: "also say what is against this host", zh: "并说明为何不选该宿主机" },
    },
  },
  examples: [
    "wcs explain placement --subsystem 1001 --class 2C4G 1C1=4",
    "wcs explain placement --subsystem 1001 --class 2C4G 1C1=4 --host idc1-r2-h1",
    "wcs explain placement 1001/2C4G:1C1=4 1002/4C8G:1C1=2",
    "wcs explain placement --request q-12 --replay",
  ],
  complete: async (words) => (words.length <= 1 ? ["placement"] : []),
  run: async (context) => {
    const [noun, ...counts] = context.words;
    const { request } = context.options;
    if (noun === "placement" && counts.length === 0 && typeof request === "string") {
      return await again(context, request);
    }
    if (noun !== "placement" || counts.length === 0) {
      throw new UsageError("say: placement DCN=COUNT…", "用法：placement DCN=数量…");
    }
    const client = await context.client();
    const items = [];
    for (const item of placementAsksOf(context.options, counts)) {
      items.push({ ...item, areas: await areasOf(client, item) });
    }
    const body = { question: { items }, ...hostOf(context) };
    const { body: explained }: CallResult<Explanation> = await client.call(placementOperations.explain, { body });
    if (context.output.format === "table" || context.output.format === "wide") await tell(context, explained);
    else await context.output.document(explained);
    return explained.answer.outcome === "plan" ? exitCodes.ok : exitCodes.failed;
  },
};

/** The decision of a request, with why; `--replay` also says whether it comes out the same again. */
async function again(context: CommandContext, request: string): Promise<number> {
  const client = await context.client();
  const { body: replayed }: CallResult<Replay> = await client.call(placementOperations.replay, { body: { request } });
  const { output, options } = context;
  const isTable = output.format === "table" || output.format === "wide";
  if (!isTable) await output.document(replayed);
  else await tell(context, { answer: replayed.answer, demands: replayed.demands, host: null });
  if (options["replay"] !== true) return exitCodes.ok;
  const { same, decidedAt, hosts, instances, engine, picture } = replayed;
  output.say({
    en: `Decided ${decidedAt} on a picture of ${hosts} hosts and ${instances} instances (${picture}). Made again now: ${same ? "the same, byte for byte" : "another answer"}.`,
    zh: `决定于 ${decidedAt}，依据当时 ${hosts} 台宿主机、${instances} 个实例的快照（${picture}）。现在重新计算：${same ? "结果逐字节一致" : "结果不同"}。`,
  });
  if (same) return exitCodes.ok;
  output.say({
    en: `It was decided by version ${engine.decided}; this is ${engine.now}.`,
    zh: `当时的版本是 ${engine.decided}，现在是 ${engine.now}。`,
  });
  if (isTable) await tell(context, { answer: replayed.again, demands: [], host: null });
  return exitCodes.failed;
}

/** A NIC in each of these: what is asked for, or what the subsystem usually has. */
async function areasOf(client: Client, { subsystem, areas }: RequestItem): Promise<string[]> {
  if (areas !== undefined) return areas;
  const { body } = await client.call(estateOperations.Subsystem.get, { params: { name: subsystem } });
  const { areas: usual = ["core"] } = body.spec as Readonly<{ areas?: readonly string[] }>;
  return [...usual];
}

function hostOf({ options }: CommandContext): { host?: string } {
  const { host } = options;
  return typeof host === "string" ? { host } : {};
}

const placesView: ListView<Planned> = {
  columns: [
    { header: { en: "SUBSYSTEM", zh: "子系统" }, value: ({ subsystem }) => subsystem },
    { header: { en: "DCN", zh: "DCN" }, value: ({ dcn }) => dcn },
    { header: { en: "CLUSTER", zh: "集群" }, value: ({ cluster }) => cluster },
    { header: { en: "RACK", zh: "机架" }, value: ({ rack }) => rack },
    { header: { en: "HOST", zh: "宿主机" }, value: ({ host }) => host },
    { header: { en: "POOL", zh: "资源池" }, value: ({ pool }) => pool },
    { header: { en: "SUBNETS", zh: "网段" }, value: ({ nics }) => nics.map(({ subnet }) => subnet) },
    { header: { en: "BORROWED", zh: "借用" }, value: ({ borrowed }) => (borrowed ? "yes" : "") },
  ],
  nameOf: ({ dcn, host }) => `${dcn}/${host}`,
};

async function tell({ output, language }: CommandContext, { answer, demands, host }: Explanation): Promise<void> {
  const line = (text: Readonly<{ en: string; zh: string }>) => output.line(text[language]);
  if (answer.outcome === "plan") {
    if (answer.places.length > 0) await output.list(answer.places, placesView);
    if (answer.removals.length > 0) {
      const names = answer.removals;
      line({ en: `These would go: ${names.join(", ")}`, zh: `将下线：${names.join("、")}` });
    }
  } else {
    line(answer.text);
    if (answer.remedies.length > 0) {
      line({ en: "What would make it possible (one of these):", zh: "以下任一做法可使其可行：" });
    }
    for (const { text, enough } of answer.remedies) {
      const more = enough
        ? { en: "", zh: "" }
        : { en: " (helps, but is not enough alone)", zh: "（有帮助，但单独还不够）" };
      output.line(`  - ${text[language]}${more[language]}`);
    }
  }
  for (const note of answer.notes) output.say(note);
  for (const { subsystem, dcn, hosts, steps, left } of demands) {
    output.line("");
    line({
      en: `Where ${subsystem} can go in ${dcn}: ${left} of ${hosts} hosts. The others are left out because:`,
      zh: `子系统 ${subsystem} 在 ${dcn} 可用的宿主机：${hosts} 台中的 ${left} 台。其余被排除的原因：`,
    });
    for (const { text, example } of steps) {
      output.line(`  - ${text[language]}${{ en: ` (for example ${example})`, zh: `（例如 ${example}）` }[language]}`);
    }
  }
  for (const { subsystem, dcn, reasons } of host?.demands ?? []) {
    output.line("");
    if (reasons.length === 0) {
      line({
        en: `Host ${host?.name} could take ${subsystem} in ${dcn}; others were better.`,
        zh: `宿主机 ${host?.name} 可以放置 ${subsystem}（${dcn}），只是其他宿主机更合适。`,
      });
      continue;
    }
    line({
      en: `Host ${host?.name} can't take ${subsystem} in ${dcn}: ${reasons.map(({ text }) => text.en).join("; ")}.`,
      zh: `宿主机 ${host?.name} 不能放置 ${subsystem}（${dcn}）：${reasons.map(({ text }) => text.zh).join("；")}。`,
    });
  }
}
