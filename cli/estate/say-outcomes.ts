import type { OperationAnswer } from "@wcs/api";
import type { importEstate } from "@wcs/api/estate";
import { cell } from "../output/table.ts";
import type { CommandContext } from "../program/command.ts";
import { sayDifferences } from "./say-differences.ts";

const words = {
  created: { en: "created", zh: "已创建" },
  changed: { en: "changed", zh: "已变更" },
  unchanged: { en: "unchanged", zh: "无变化" },
  deleted: { en: "deleted", zh: "已删除" },
} as const;

type Answer = OperationAnswer<typeof importEstate>;

/** Says what was made, or would be: as data on stdout, each difference where it is wanted, and the sum for the person. */
export async function sayOutcomes(
  { output, language, isDryRun }: CommandContext,
  answer: Readonly<{ outcomes: readonly (Omit<Answer["outcomes"][number], "kind"> & Readonly<{ kind: string }>)[] }>,
  withDifferences = true,
): Promise<void> {
  const { outcomes } = answer;
  const made = outcomes.filter(({ action }) => action !== "unchanged");
  if (output.format === "json" || output.format === "yaml") await output.document(answer);
  else if (output.format === "name") for (const { kind, name } of made) output.line(`${kind}/${name}`);
  else if (withDifferences) sayDifferences(output, made);
  else for (const { kind, name, action } of made) output.line(`${kind} ${cell(name)} ${words[action][language]}`);
  const counts = Object.entries(Object.groupBy(outcomes, ({ action }) => action)).map(
    ([action, items]) => [action as keyof typeof words, items.length] as const,
  );
  const sum = (each: "en" | "zh") => counts.map(([action, count]) => `${count} ${words[action][each]}`);
  output.say({
    en: `${sum("en").join(", ") || "nothing to do"}${isDryRun ? " (dry run)" : ""}`,
    zh: `${sum("zh").join("，") || "没有文档"}${isDryRun ? "（试运行）" : ""}`,
  });
}
