import { fileOption, readEstateSources } from "../estate/read-estate-sources.ts";
import { sayFaults } from "../estate/say-faults.ts";
import { sendEstateFiles } from "../estate/send-estate-files.ts";
import { cell } from "../output/table.ts";
import type { Command } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";

const doneWords = {
  created: { en: "created", zh: "已创建" },
  changed: { en: "changed", zh: "已变更" },
  unchanged: { en: "unchanged", zh: "无变化" },
  deleted: { en: "deleted", zh: "已删除" },
} as const;

export const apply: Command = {
  usage: "-f FILE…",
  options: fileOption,
  examples: ["wcs apply -f estate.yaml --dry-run", "wcs-lab estate | wcs apply -f -"],
  run: async (context) => {
    const { output, isDryRun, language } = context;
    const sent = await sendEstateFiles(context, await readEstateSources(context), isDryRun);
    if ("faults" in sent) {
      await sayFaults(output, sent.faults);
      return exitCodes.failed;
    }
    const { outcomes } = sent.answer;
    const made = outcomes.filter(({ action }) => action !== "unchanged");
    if (output.format === "json" || output.format === "yaml") await output.document(sent.answer);
    else if (output.format === "name") for (const { kind, name } of made) output.line(`${kind}/${name}`);
    else for (const { kind, name, action } of made) output.line(`${kind} ${cell(name)} ${doneWords[action][language]}`);
    const counts = Object.entries(Object.groupBy(outcomes, ({ action }) => action)).map(
      ([action, items]) => [action as keyof typeof doneWords, items.length] as const,
    );
    const sum = (words: "en" | "zh") => counts.map(([action, count]) => `${count} ${doneWords[action][words]}`);
    output.say({
      en: `${sum("en").join(", ") || "nothing to do"}${isDryRun ? " (dry run)" : ""}`,
      zh: `${sum("zh").join("，") || "没有文档"}${isDryRun ? "（试运行）" : ""}`,
    });
    return exitCodes.ok;
  },
};
