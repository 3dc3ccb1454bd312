import { grantOperations } from "@wcs/api/privilege-grant";
import type { Command } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { grantView } from "../resources/grant-view.ts";

const [, create, get, approve, reject, end] = grantOperations;
const acts = ["ask", "approve", "reject", "end"];

export const grant: Command = {
  usage: "ask INSTANCE… --grade GRADE --minutes N --reason TEXT | approve|reject|end ID",
  options: {
    grade: {
      type: "string",
      value: "raw|debug",
      help: { en: "raw: a plain terminal; debug: a debug image beside it", zh: "raw：普通终端；debug：旁挂调试镜像" },
    },
    minutes: { type: "string", value: "N", help: { en: "for how long, at most 480", zh: "时长（分钟），最多 480" } },
    capabilities: {
      type: "string",
      value: "LIST",
      help: { en: "Linux capabilities, such as SYS_PTRACE", zh: "Linux 权限，例如 SYS_PTRACE" },
    },
    image: { type: "string", value: "IMAGE", help: { en: "the debug image by its digest", zh: "带摘要的调试镜像" } },
  },
  examples: [
    "wcs grant ask 1001-1c1-01 --grade raw --minutes 30 --reason 'the queue stands still'",
    "wcs grant approve g-3",
    "wcs grant end g-3 --reason done",
  ],
  complete: async (words) => (words.length <= 1 ? acts : []),
  run: async ({ words, options, client, output, act, isDryRun, confirm }) => {
    const [verb = "", ...rest] = words;
    const query = { dryRun: isDryRun };
    const text = (option: string): string | undefined => {
      const value = options[option];
      return typeof value === "string" ? value : undefined;
    };
    if (verb === "ask") {
      const grade = text("grade");
      const minutes = Number(text("minutes"));
      if (grade !== "raw" && grade !== "debug") {
        throw new UsageError("--grade is raw or debug", "--grade 为 raw 或 debug");
      }
      if (!Number.isInteger(minutes)) throw new UsageError("--minutes is a whole number", "--minutes 为整数");
      if (rest.length === 0) throw new UsageError("name the instances", "请指定实例");
      const capabilities = text("capabilities")?.split(",");
      const image = text("image");
      const body = {
        grade,
        minutes,
        instances: rest,
        ...(capabilities === undefined ? {} : { capabilities }),
        ...(image === undefined ? {} : { image }),
      } as const;
      await output.one((await (await client()).call(create, { body, query, ...act() })).body, grantView.view);
      return isDryRun ? exitCodes.ok : exitCodes.waitsForApproval;
    }
    const [id, ...more] = rest;
    if (!acts.includes(verb) || id === undefined || more.length > 0) {
      throw new UsageError(
        "say: ask INSTANCE…, or approve, reject or end ID",
        "用法：ask 实例…，或 approve、reject、end 编号",
      );
    }
    const params = { id };
    const connected = await client();
    if (verb === "approve") {
      const seen = (await connected.call(get, { params })).body;
      await output.one(seen, grantView.view);
      if (!isDryRun && !(await confirm({ en: `Approve ${id}?`, zh: `审批通过 ${id}？` }))) return exitCodes.failed;
      const body = { hash: seen.hash };
      await output.one((await connected.call(approve, { params, body, query, ...act() })).body, grantView.view);
      return exitCodes.ok;
    }
    const note = text("reason");
    if (note === undefined) throw new UsageError("--reason is missing", "缺少 --reason");
    const operation = verb === "reject" ? reject : end;
    await output.one(
      (await connected.call(operation, { params, body: { note }, query, ...act() })).body,
      grantView.view,
    );
    return exitCodes.ok;
  },
};
