import type { freezeOperations } from "@wcs/api/release";
import { operationOnWire } from "@wcs/api/wire";
import type { Command } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { freezeWindowView } from "../resources/freeze-window-view.ts";

const create = operationOnWire<(typeof freezeOperations)[1]>("freezewindows.create");

export const freeze: Command = {
  usage: "NAME --environments LIST --time-zone ZONE --from TIME --to TIME [--days LIST] --reason TEXT",
  options: {
    environments: { type: "string", value: "LIST", help: { en: "the environments that it holds for", zh: "适用环境" } },
    "time-zone": {
      type: "string",
      value: "ZONE",
      help: { en: "IANA name, such as Asia/Shanghai", zh: "时区，例如 Asia/Shanghai" },
    },
    from: {
      type: "string",
      value: "TIME",
      help: {
        en: "2026-12-31T18:00, or with --days 22:00",
        zh: "开始，例如 2026-12-31T18:00；与 --days 合用时为 22:00",
      },
    },
    to: { type: "string", value: "TIME", help: { en: "its end, which does not belong to it", zh: "结束（不含）" } },
    days: {
      type: "string",
      value: "LIST",
      help: { en: "every week on these days; Monday is 1", zh: "每周的这些天，周一为 1" },
    },
  },
  examples: [
    "wcs freeze year-end --environments production --time-zone Asia/Shanghai --from 2026-12-31T18:00 --to 2027-01-02T08:00 --reason 'closing of the year'",
  ],
  run: async ({ words, options, client, output, act, isDryRun }) => {
    const [name, ...more] = words;
    const text = (option: string): string => {
      const value = options[option];
      if (typeof value !== "string") throw new UsageError(`--${option} is missing`, `缺少 --${option}`);
      return value;
    };
    if (name === undefined || more.length > 0) throw new UsageError("name one freeze window", "请指定一个封网窗口名称");
    const days = options["days"];
    const when =
      typeof days === "string"
        ? { days: days.split(",").map(Number), fromTime: text("from"), toTime: text("to") }
        : { from: text("from"), to: text("to") };
    const body = {
      name,
      environments: text("environments").split(","),
      timeZone: text("time-zone"),
      when,
      reason: text("reason"),
    };
    const made = await (await client()).call(create, { body, query: { dryRun: isDryRun }, ...act() });
    await output.one(made.body, freezeWindowView.view);
    return exitCodes.ok;
  },
};
