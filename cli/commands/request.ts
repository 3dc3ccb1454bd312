import type { OperationBody } from "@wcs/api";
import type { requestOperations } from "@wcs/api/request";
import { operationOnWire } from "@wcs/api/wire";
import type { Command, CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { placeView, requestView, resizeView, type InstanceRequest } from "../resources/request-view.ts";
import { neededOption, placementAsksOf, placementOptions } from "./placement-options.ts";

const create = operationOnWire<(typeof requestOperations)[1]>("requests.create");
const nouns = ["instances", "retirement", "resize"];

type RequestBody = OperationBody<typeof create>;

export const request: Command = {
  usage:
    "instances DCN=COUNT… | instances SUBSYSTEM/CLASS:DCN=COUNT,…… | retirement NAME… | resize NAME… --subsystem ID [--class CLASS]",
  options: {
    ...placementOptions,
  },
  examples: [
    "wcs request instances --subsystem 1001 --class 2C4G 1C1=4 1C2=4 --ticket CHG-1 --reason 'go live'",
    "wcs request instances 1001/2C4G:1C1=4 1002/4C8G:1C1=2 --ticket CHG-3 --reason 'DCN 1C1 goes live'",
    "wcs request resize 1001-1c1-01 --subsystem 1001 --class 4C8G --dry-run",
    "wcs request retirement 1001-1c1-04 --subsystem 1001 --ticket CHG-2",
  ],
  complete: async (words) => (words.length <= 1 ? nouns : []),
  run: async (context) => {
    const body = bodyOf(context);
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

/** What is asked for: numbers by DCN, or instances by name. */
function bodyOf({ words, options }: CommandContext): RequestBody {
  const [noun = "", ...rest] = words;
  if (!nouns.includes(noun) || rest.length === 0) {
    throw new UsageError(
      "say: instances DCN=COUNT…, retirement NAME…, or resize NAME… --class CLASS",
      "用法：instances DCN=数量…，retirement 名称…，或 resize 名称… --class 规格",
    );
  }
  if (noun === "instances") {
    const [first, ...together] = placementAsksOf(options, rest);
    if (first === undefined) throw new UsageError("say what is asked for", "请说明申请内容");
    return together.length === 0 ? first : { ...first, together };
  }
  const given = ["areas", "pool", "temporary", "count-vms"].find((name) => options[name] !== undefined);
  if (given !== undefined) {
    throw new UsageError(`--${given} goes with "instances" only`, `--${given} 仅用于 instances`);
  }
  const subsystem = neededOption(options, "subsystem");
  if (noun === "resize") return { subsystem, class: neededOption(options, "class"), resize: rest };
  if (options["class"] !== undefined) {
    throw new UsageError('--class does not go with "retirement"', "--class 不用于 retirement");
  }
  return { subsystem, retire: rest };
}

/** The plan as a table, with what goes and what the engine has to say. */
export async function showPlan({ output, language }: CommandContext, { plan }: InstanceRequest): Promise<void> {
  if (output.format !== "table" && output.format !== "wide") return;
  if (plan.places.length > 0) await output.list(plan.places, placeView);
  if (plan.resizes.length > 0) await output.list(plan.resizes, resizeView(language));
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
