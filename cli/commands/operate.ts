import type { instanceOperations } from "@wcs/api/instance";
import { operationOnWire } from "@wcs/api/wire";
import type { Command } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { instanceView, type Instance } from "../resources/instance-view.ts";

const startOperation = operationOnWire<(typeof instanceOperations)[3]>("instances.start");
const stopOperation = operationOnWire<(typeof instanceOperations)[4]>("instances.stop");
const restartOperation = operationOnWire<(typeof instanceOperations)[5]>("instances.restart");

const operate = (verb: string, operation: typeof startOperation, zh: string): Command => ({
  usage: "instance NAME…",
  options: {},
  examples: [`wcs ${verb} instance 1001-1c1-01 --ticket CHG-1`],
  complete: async (words) => (words.length <= 1 ? ["instance"] : []),
  run: async ({ words, client, output, act, confirm, isDryRun }) => {
    const [noun, ...names] = words;
    if (noun !== "instance" || names.length === 0) throw new UsageError("say: instance NAME…", "用法：instance 名称…");
    const question = { en: `${verb} ${names.length} instance(s)?`, zh: `${zh} ${names.length} 个实例？` };
    if (verb !== "start" && !isDryRun && !(await confirm(question))) return exitCodes.failed;
    const connected = await client();
    const changed: Instance[] = [];
    for (const name of names) {
      const input = { params: { name }, query: { dryRun: isDryRun }, ...act() };
      changed.push((await connected.call(operation, input)).body);
    }
    await output.list(changed, instanceView.view);
    return exitCodes.ok;
  },
});

export const start = operate("start", startOperation, "启动");
export const stop = operate("stop", stopOperation, "停止");
export const restart = operate("restart", restartOperation, "重启");
