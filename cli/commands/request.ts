import { requestOperations } from "@wcs/api/request";
import type { Command, CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { placeView, requestView, type InstanceRequest } from "../resources/request-view.ts";

const [, create] = requestOperations;

export const request: Command = {
  usage: "instances --subsystem ID --class CLASS DCN=COUNT…",
  options: {
    subsystem: { type: "string", value: "ID", help: { en: "the subsystem, four digits", zh: "子系统编号，四位数字" } },
    class: { type: "string", value: "CLASS", help: { en: "the size, such as 2C4G", zh: "规格，例如 2C4G" } },
    areas: {
      type: "string",
      value: "LIST",
      help: { en: "a NIC in each of these areas", zh: "在这些网络区域各有一块网卡" },
    },
    pool: { type: "string", value: "POOL", help: { en: "only from this pool", zh: "仅使用该资源池" } },
    temporary: { type: "boolean", help: { en: "temporary instances", zh: "临时实例" } },
    "count-vms": { type: "boolean", help: { en: "VMs are part of the number", zh: "数量包含虚拟机" } },
  },
  examples: ["wcs request instances --subsystem 1001 --class 2C4G 1C1=4 1C2=4 --ticket CHG-1 --reason 'go live'"],
  complete: async (words) => (words.length <= 1 ? ["instances"] : []),
  run: async (context) => {
    const [noun, ...counts] = context.words;
    if (noun !== "instances" || counts.length === 0) {
      throw new UsageError("say: instances DCN=COUNT…", "用法：instances DCN=数量…");
    }
    const body = bodyOf(context, counts);
    const client = await context.client();
    const plan = (await client.call(create, { body, query: { dryRun: true }, ...context.act() })).body;
    await showPlan(context, plan);
    if (context.isDryRun) return exitCodes.ok;
    const sent = await context.confirm({ en: "Send this request?", zh: "提交该申请？" });
    if (!sent) return exitCodes.failed;
    const made = (await client.call(create, { body, ...context.act() })).body;
    if (context.output.format === "table" || context.output.format === "wide") context.output.say(saidOf(made));
    else await context.output.one(made, requestView.view);
    return made.state === "awaiting-approval" ? exitCodes.waitsForApproval : exitCodes.ok;
  },
};

function bodyOf({ options }: CommandContext, counts: readonly string[]) {
  const text = (name: string): string | undefined => {
    const value = options[name];
    return typeof value === "string" ? value : undefined;
  };
  const needed = (name: string): string => {
    const value = text(name);
    if (value === undefined) throw new UsageError(`--${name} is missing`, `缺少 --${name}`);
    return value;
  };
  const areas = text("areas")?.split(",");
  const pool = text("pool");
  return {
    subsystem: needed("subsystem"),
    class: needed("class"),
    counts: Object.fromEntries(counts.map(countOf)),
    ...(areas === undefined ? {} : { areas }),
    ...(pool === undefined ? {} : { pool }),
    ...(options["temporary"] === true ? { lifetime: "temporary" as const } : {}),
    ...(options["count-vms"] === true ? { countVms: true } : {}),
  };
}

function countOf(text: string): readonly [string, number] {
  const match = /^([0-9A-Z]{3})=([0-9]{1,4})$/.exec(text);
  if (match !== null) return [match[1] ?? "", Number(match[2])];
  throw new UsageError(`"${text}" is not DCN=COUNT, such as 1C1=4`, `"${text}" 应为 DCN=数量，例如 1C1=4`);
}

/** The plan as a table, with what goes and what the engine has to say. */
export async function showPlan({ output, language }: CommandContext, { plan }: InstanceRequest): Promise<void> {
  if (output.format !== "table" && output.format !== "wide") return;
  if (plan.places.length > 0) await output.list(plan.places, placeView);
  for (const name of plan.removals) output.line(language === "zh" ? `下线 ${name}` : `goes: ${name}`);
  for (const note of plan.notes) output.say(note);
}

function saidOf({ id, state, approvalsNeeded }: InstanceRequest) {
  return state === "awaiting-approval"
    ? {
        en: `${id} waits for ${approvalsNeeded} approval(s): wcs approve request ${id}`,
        zh: `${id} 等待 ${approvalsNeeded} 人审批：wcs approve request ${id}`,
      }
    : { en: `${id} is ${state}`, zh: `${id} 状态：${state}` };
}
