import type { CallResult, OperationAnswer } from "@wcs/api";
import { placementOperations } from "@wcs/api/placement";
import type { Command, CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import type { ListView } from "../output/output.ts";
import { placementAskOf, placementOptions } from "./placement-options.ts";

type Explanation = OperationAnswer<typeof placementOperations.explain>;
type Replay = OperationAnswer<typeof placementOperations.replay>;
type Answer = Explanation["answer"];
type Planned = Extract<Answer, { outcome: "plan" }>["places"][number];

export const explain: Command = {
  usage: "placement --subsystem ID --class CLASS DCN=COUNT… | placement --request REQUEST [--replay]",
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
    const body = { question: { items: [itemOf(context, counts)] }, ...hostOf(context) };
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

function itemOf({ options }: CommandContext, counts: readonly string[]) {
  const { areas = ["core"], ...ask } = placementAskOf(options, counts);
  return { ...ask, areas };
}

function hostOf({ options }: CommandContext): { host?: string } {
  const { host } = options;
  return typeof host === "string" ? { host } : {};
}

const placesView: ListView<Planned> = {
  columns: [
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
  if (answer.outcome === "plan") {
    await output.list(answer.places, placesView);
    if (answer.removals.length > 0) output.line(`- ${answer.removals.join(", ")}`);
  } else {
    output.line(answer.text[language]);
    for (const { text } of answer.remedies) output.line(`  → ${text[language]}`);
  }
  for (const note of answer.notes) output.say(note);
  for (const { subsystem, dcn, hosts, steps, left } of demands) {
    output.line(
      { en: `${subsystem} in ${dcn}: ${hosts} hosts`, zh: `${subsystem} 于 ${dcn}：共 ${hosts} 台宿主机` }[language],
    );
    for (const { text, example } of steps) output.line(`  - ${text[language]} (${example})`);
    output.line({ en: `  ${left} left`, zh: `  剩余 ${left} 台` }[language]);
  }
  for (const { subsystem, dcn, reasons } of host?.demands ?? []) {
    const said = reasons.map(({ text }) => text[language]).join("; ") || { en: "nothing", zh: "无" }[language];
    output.line(
      {
        en: `against ${host?.name} for ${subsystem} in ${dcn}: ${said}`,
        zh: `${subsystem} 于 ${dcn} 不选 ${host?.name}：${said}`,
      }[language],
    );
  }
}
