import { sessionOperations } from "@wcs/api/session";
import type { Command, OptionValues } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { exitOf, followRecord, writeBytes } from "../session/follow-record.ts";
import { mergeByTime } from "../session/merge-by-time.ts";
import { splitLines, type TimedLine } from "../session/timed-line.ts";

const [, , create, end] = sessionOperations;
const mostInstances = 50;

export const logs: Command = {
  usage: "INSTANCE…",
  options: {
    follow: { type: "boolean", short: "f", help: { en: "go on with what is written from now", zh: "持续跟踪" } },
    previous: { type: "boolean", short: "p", help: { en: "of the run before this one", zh: "上一次运行的日志" } },
    since: {
      type: "string",
      value: "AGE",
      help: { en: "such as 30s, 15m, 2h, 1d", zh: "时间范围，如 30s、15m、2h、1d" },
    },
    tail: { type: "string", value: "N", help: { en: "only the last N lines", zh: "仅最后 N 行" } },
    grep: { type: "string", value: "TEXT", help: { en: "only lines with this text", zh: "仅含该文本的行" } },
    timestamps: { type: "boolean", help: { en: "with the time of each line", zh: "显示每行时间" } },
  },
  examples: ["wcs logs 1001-1a1-01 --since 15m --grep ERROR", "wcs logs -f 1001-1a1-01 1001-1a2-01"],
  run: async ({ words: instances, options, client, output, act, signal }) => {
    if (instances.length === 0 || instances.length > mostInstances) {
      throw new UsageError(`name one to ${mostInstances} instances`, `请指定 1 到 ${mostInstances} 个实例`);
    }
    const api = await client();
    const command = commandOf(options);
    let failed = 0;
    const begun: string[] = [];
    const linesOf = async function* (instance: string): AsyncGenerator<TimedLine, void> {
      const { body } = await api.call(create, { query: {}, body: { instance, command }, ...act() });
      begun.push(body.id);
      let rest = "";
      for await (const entry of followRecord(api, body.id, signal)) {
        if (entry.kind === "exit") {
          const { code, reason } = exitOf(entry);
          if (code !== 0) failed += 1;
          if (reason !== null) output.say({ en: `${instance}: ${reason}`, zh: `${instance}：${reason}` });
        } else if (entry.kind === "output") {
          const { lines, left } = splitLines(instance, rest + Buffer.from(entry.data, "base64").toString("utf8"));
          rest = left;
          yield* lines;
        }
      }
    };
    const width = Math.max(...instances.map(({ length }) => length));
    try {
      const sources = instances.map((instance) => linesOf(instance));
      for await (const { source, at, text } of mergeByTime(sources, command.follow ? 300 : null)) {
        const name = instances.length > 1 ? `${source.padEnd(width)} ` : "";
        const time = options["timestamps"] === true ? `${at} ` : "";
        await writeBytes(process.stdout, Buffer.from(`${name}${time}${text}\n`));
      }
    } finally {
      if (signal.aborted) {
        for (const id of begun) await api.call(end, { params: { id }, query: {}, ...act() });
      }
    }
    return failed === 0 ? exitCodes.ok : exitCodes.failed;
  },
};

function commandOf(options: OptionValues) {
  const { since, tail, grep } = options;
  return {
    kind: "logs" as const,
    follow: options["follow"] === true,
    previous: options["previous"] === true,
    ...(typeof since === "string" ? { sinceSeconds: secondsOf(since) } : {}),
    ...(typeof tail === "string" ? { lastLines: Number(tail) } : {}),
    ...(typeof grep === "string" ? { contains: grep } : {}),
  };
}

const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

function secondsOf(age: string): number {
  const [, count, unit] = /^(\d{1,7})([smhd])$/.exec(age) ?? [];
  if (count === undefined) {
    throw new UsageError(`--since takes 30s, 15m, 2h or 1d, not "${age}"`, `--since 应为 30s、15m、2h 或 1d`);
  }
  return Number(count) * unitSeconds[unit as keyof typeof unitSeconds];
}
