import { sessionOperations } from "@wcs/api/session";
import type { Command } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { sessionView } from "../resources/session-view.ts";
import { exitOf, followRecord, writeBytes } from "../session/follow-record.ts";

const [list, , , end] = sessionOperations;

export const sessions: Command = {
  usage: "list [--instance NAME] | replay ID | end ID…",
  options: {
    instance: { type: "string", value: "NAME", help: { en: "only those in this instance", zh: "仅限该实例" } },
    limit: { type: "string", value: "N", help: { en: "at most so many (default 50)", zh: "最多条数（默认 50）" } },
  },
  examples: ["wcs sessions list --instance 1001-1a1-01", "wcs sessions replay 9d3c…", "wcs sessions end 9d3c…"],
  complete: async (words) => (words.length <= 1 ? ["list", "replay", "end"] : []),
  run: async ({ words, options, client, output, act, isDryRun, signal }) => {
    const [verb, ...ids] = words;
    const api = await client();
    if (verb === "list" && ids.length === 0) {
      const { instance } = options;
      const query = { limit: Number(options["limit"] ?? 50), ...(typeof instance === "string" ? { instance } : {}) };
      const { body } = await api.call(list, { query });
      await output.list(body.items, sessionView.view);
      return exitCodes.ok;
    }
    if (verb === "end" && ids.length > 0) {
      for (const id of ids) await api.call(end, { params: { id }, query: { dryRun: isDryRun }, ...act() });
      return exitCodes.ok;
    }
    const [id] = ids;
    if (verb !== "replay" || id === undefined || ids.length > 1) {
      throw new UsageError("say list, replay ID, or end ID", "请用 list、replay ID 或 end ID");
    }
    for await (const entry of followRecord(api, id, signal)) {
      if (entry.kind === "output" || entry.kind === "error") {
        const to = entry.kind === "output" ? process.stdout : process.stderr;
        await writeBytes(to, Buffer.from(entry.data, "base64"));
      } else if (entry.kind === "exit") {
        const { code, reason } = exitOf(entry);
        const how = reason ?? `exit ${code}`;
        output.say({
          en: `ended ${entry.at}: ${how}; record ${entry.hash}`,
          zh: `${entry.at} 结束：${how}；记录 ${entry.hash}`,
        });
        return exitCodes.ok;
      }
    }
    output.say({ en: "the record has no end: its server was lost", zh: "记录没有结尾：其服务器曾中断" });
    return exitCodes.failed;
  },
};
