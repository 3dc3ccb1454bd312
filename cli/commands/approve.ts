import type { recoveryOperations } from "@wcs/api/recovery";
import type { releaseOperations } from "@wcs/api/release";
import type { requestOperations } from "@wcs/api/request";
import { operationOnWire } from "@wcs/api/wire";
import type { Command, CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { recoveryView } from "../resources/recovery-view.ts";
import { releaseView, targetView } from "../resources/release-view.ts";
import { requestView } from "../resources/request-view.ts";
import { showPlannedRecovery } from "./recover.ts";
import { showPlan } from "./request.ts";

const getRequest = operationOnWire<(typeof requestOperations)[2]>("requests.get");
const approveRequest = operationOnWire<(typeof requestOperations)[3]>("requests.approve");
const rejectRequest = operationOnWire<(typeof requestOperations)[4]>("requests.reject");
const getRelease = operationOnWire<(typeof releaseOperations)[2]>("releases.get");
const approveRelease = operationOnWire<(typeof releaseOperations)[3]>("releases.approve");
const rejectRelease = operationOnWire<(typeof releaseOperations)[4]>("releases.reject");
const getRecovery = operationOnWire<(typeof recoveryOperations)["get"]>("recoveries.get");
const approveRecovery = operationOnWire<(typeof recoveryOperations)["approve"]>("recoveries.approve");
const rejectRecovery = operationOnWire<(typeof recoveryOperations)["reject"]>("recoveries.reject");
const nouns = ["request", "release", "recovery"];

export const approve: Command = {
  usage: "request|release|recovery ID",
  options: {
    "plan-hash": {
      type: "string",
      value: "HASH",
      help: { en: "approve only if the plan is this one", zh: "仅当方案摘要一致时审批" },
    },
  },
  examples: ["wcs approve request q-12", "wcs approve release r-7 --yes"],
  complete: async (words) => (words.length <= 1 ? nouns : []),
  run: async (context) => {
    const { noun, id } = named(context);
    const client = await context.client();
    const { output, isDryRun } = context;
    const seen =
      noun === "request"
        ? (await client.call(getRequest, { params: { id } })).body
        : noun === "release"
          ? (await client.call(getRelease, { params: { id } })).body
          : (await client.call(getRecovery, { params: { id } })).body;
    if ("targets" in seen) await output.list(seen.targets, targetView);
    else if ("lost" in seen) await showPlannedRecovery(context, seen);
    else await showPlan(context, seen);
    const asked = context.options["plan-hash"];
    const planHash = typeof asked === "string" ? asked : seen.planHash;
    const agreed = isDryRun || (await context.confirm({ en: `Approve ${id}?`, zh: `审批通过 ${id}？` }));
    if (!agreed) return exitCodes.failed;
    const input = { params: { id }, body: { planHash }, query: { dryRun: isDryRun }, ...context.act() };
    if (noun === "release") {
      const { body } = await client.call(approveRelease, input);
      await output.one(body, releaseView.view);
      return body.state === "awaiting-approval" ? exitCodes.waitsForApproval : exitCodes.ok;
    }
    const { body } =
      noun === "request" ? await client.call(approveRequest, input) : await client.call(approveRecovery, input);
    await output.one(body, noun === "request" ? requestView.view : recoveryView.view);
    if (body.planHash !== planHash) {
      output.say({
        en: "The plan did not hold any more: look at the new one and approve that.",
        zh: "原方案已不再成立：请查看并审批新方案。",
      });
    }
    return body.state === "awaiting-approval" ? exitCodes.waitsForApproval : exitCodes.ok;
  },
};

export const reject: Command = {
  usage: "request|release|recovery ID --reason TEXT",
  options: {},
  examples: ["wcs reject request q-12 --reason 'too big'"],
  complete: async (words) => (words.length <= 1 ? nouns : []),
  run: async (context) => {
    const { noun, id } = named(context);
    const client = await context.client();
    const shared = { params: { id }, query: { dryRun: context.isDryRun }, ...context.act() };
    if (noun === "release") {
      await context.output.one((await client.call(rejectRelease, { ...shared, body: {} })).body, releaseView.view);
      return exitCodes.ok;
    }
    const why = context.options["reason"];
    if (typeof why !== "string") throw new UsageError("--reason is missing", "缺少 --reason");
    const input = { ...shared, body: { why } };
    const { body } =
      noun === "recovery" ? await client.call(rejectRecovery, input) : await client.call(rejectRequest, input);
    await context.output.one(body, noun === "recovery" ? recoveryView.view : requestView.view);
    return exitCodes.ok;
  },
};

function named({ words }: CommandContext): { noun: string; id: string } {
  const [noun = "", id, ...more] = words;
  if (!nouns.includes(noun) || id === undefined || more.length > 0) {
    throw new UsageError("say: request, release or recovery, and its ID", "用法：request、release 或 recovery，加编号");
  }
  return { noun, id };
}
