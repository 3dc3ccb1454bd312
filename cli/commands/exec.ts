import { sessionOperations } from "@wcs/api/session";
import type { Command } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { exitOf, followRecord, writeBytes } from "../session/follow-record.ts";

const [, , create, end] = sessionOperations;

export const exec: Command = {
  usage: "INSTANCE -- PROGRAM [ARGUMENT…]",
  options: {
    seconds: {
      type: "string",
      value: "N",
      help: { en: "end it after this long (default 300)", zh: "最长运行秒数（默认 300）" },
    },
  },
  examples: ['wcs exec 1001-1a1-01 --reason "what does it listen on" -- ss -ltn'],
  run: async ({ words, options, client, output, act, isDryRun, signal }) => {
    const [instance, ...argv] = words;
    if (instance === undefined || argv.length === 0) {
      throw new UsageError("say INSTANCE -- PROGRAM", "请用 INSTANCE -- PROGRAM");
    }
    const api = await client();
    const seconds = options["seconds"];
    const command = { kind: "exec" as const, argv, ...(seconds === undefined ? {} : { mostSeconds: Number(seconds) }) };
    const { body } = await api.call(create, { query: { dryRun: isDryRun }, body: { instance, command }, ...act() });
    if (isDryRun) return exitCodes.ok;
    try {
      for await (const entry of followRecord(api, body.id, signal)) {
        if (entry.kind === "output") await writeBytes(process.stdout, Buffer.from(entry.data, "base64"));
        else if (entry.kind === "error") await writeBytes(process.stderr, Buffer.from(entry.data, "base64"));
        else if (entry.kind === "exit") {
          const { code, reason } = exitOf(entry);
          if (reason !== null) output.say({ en: `session ${body.id}: ${reason}`, zh: `会话 ${body.id}：${reason}` });
          return code ?? exitCodes.failed;
        }
      }
    } finally {
      // Ctrl-C: what was started is not left behind.
      if (signal.aborted) await api.call(end, { params: { id: body.id }, query: {}, ...act() });
    }
    output.say({ en: `session ${body.id} broke off`, zh: `会话 ${body.id} 中断` });
    return exitCodes.failed;
  },
};
