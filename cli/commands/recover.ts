import type { recoveryOperations } from "@wcs/api/recovery";
import { operationOnWire } from "@wcs/api/wire";
import type { Command, CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { moveView, plannedMoveView, recoveryView, type Recovery } from "../resources/recovery-view.ts";

const create = operationOnWire<(typeof recoveryOperations)["create"]>("recoveries.create");
const get = operationOnWire<(typeof recoveryOperations)["get"]>("recoveries.get");
const stop = operationOnWire<(typeof recoveryOperations)["stop"]>("recoveries.stop");
const returnHost = operationOnWire<(typeof recoveryOperations)["returnHost"]>("recoveries.return-host");
const verbs = ["host", "show", "stop", "return"];

export const recover: Command = {
  usage: "host HOST | show ID | stop ID | return ID",
  options: {
    batch: {
      type: "string",
      value: "N",
      help: { en: "so many instances at once (default 5)", zh: "每批迁移的实例数（默认 5）" },
    },
    "per-host": {
      type: "string",
      value: "N",
      help: { en: "of those, so many to one host (default 3)", zh: "每批迁往同一宿主机的实例数（默认 3）" },
    },
  },
  examples: [
    "wcs recover host idc1-h1 --dry-run",
    "wcs recover host idc1-h1 --ticket CHG-1 --reason 'power supply dead'",
    "wcs approve recovery v-1",
    "wcs recover show v-1",
    "wcs recover return v-1 --reason 'power supply replaced'",
  ],
  complete: async (words) => (words.length <= 1 ? verbs : []),
  run: async (context) => {
    const [verb = "", name, ...more] = context.words;
    if (!verbs.includes(verb) || name === undefined || more.length > 0) {
      throw new UsageError(
        "say: host HOST, or show, stop or return and the recovery's ID",
        "用法：host 宿主机，或 show、stop、return 加恢复编号",
      );
    }
    if (verb === "host") return recoverHost(context, name);
    const { output, isDryRun } = context;
    const client = await context.client();
    if (verb === "show") {
      await showRecovery(context, (await client.call(get, { params: { id: name } })).body);
      return exitCodes.ok;
    }
    const question =
      verb === "stop"
        ? { en: `Stop ${name}? What is decided is carried out.`, zh: `停止 ${name}？已决定的迁移会继续完成。` }
        : { en: `Let the host of ${name} take part again?`, zh: `让 ${name} 的宿主机重新投入使用？` };
    if (!isDryRun && !(await context.confirm(question))) return exitCodes.failed;
    const operation = verb === "stop" ? stop : returnHost;
    const input = { params: { id: name }, body: {}, query: { dryRun: isDryRun }, ...context.act() };
    await output.one((await client.call(operation, input)).body, recoveryView.view);
    return exitCodes.ok;
  },
};

async function recoverHost(context: CommandContext, host: string): Promise<number> {
  const { output, isDryRun } = context;
  const numbers = [countOf(context, "batch"), countOf(context, "per-host")];
  const [instancesPerBatch = 5, instancesPerHost = 3] = numbers;
  const isUsual = numbers.every((number) => number === undefined);
  const body = isUsual ? { host } : { host, budget: { instancesPerBatch, instancesPerHost } };
  const client = await context.client();
  const plan = (await client.call(create, { body, query: { dryRun: true }, ...context.act() })).body;
  await showPlannedRecovery(context, plan);
  if (isDryRun) return exitCodes.ok;
  const sent = await context.confirm({ en: "Send this plan for approval?", zh: "提交该方案等待审批？" });
  if (!sent) return exitCodes.failed;
  const made = (await client.call(create, { body, ...context.act() })).body;
  if (output.format === "table" || output.format === "wide") {
    output.say({
      en: `${made.id} waits for ${made.approvalsNeeded} approval(s): wcs approve recovery ${made.id}`,
      zh: `${made.id} 等待 ${made.approvalsNeeded} 人审批：wcs approve recovery ${made.id}`,
    });
  } else await output.one(made, recoveryView.view);
  return exitCodes.waitsForApproval;
}

function countOf({ options }: CommandContext, name: string): number | undefined {
  const text = options[name];
  if (typeof text !== "string") return undefined;
  if (/^[1-9][0-9]{0,2}$/.test(text)) return Number(text);
  throw new UsageError(
    `--${name}: "${text}" is not a number from 1 to 999`,
    `--${name}："${text}" 应为 1 到 999 的整数`,
  );
}

/** The plan as tables: who goes where and why, and who stays and why. */
export async function showPlannedRecovery({ output, language }: CommandContext, seen: Recovery): Promise<void> {
  if (output.format !== "table" && output.format !== "wide") return;
  const { host, lost, plan } = seen;
  output.say({ en: `${host} is lost: ${lost}`, zh: `${host} 已失联：${lost}` });
  if (plan.moves.length > 0) await output.list(plan.moves, plannedMoveView(language));
  for (const { instance, why } of plan.left) {
    output.line(language === "zh" ? `保留 ${instance}：${why.zh}` : `stays: ${instance}: ${why.en}`);
  }
}

async function showRecovery(context: CommandContext, recovery: Recovery): Promise<void> {
  const { output } = context;
  await output.one(recovery, recoveryView.view);
  if (output.format !== "table" && output.format !== "wide") return;
  if (recovery.moves.length > 0) await output.list(recovery.moves, moveView);
  else await showPlannedRecovery(context, recovery);
}
