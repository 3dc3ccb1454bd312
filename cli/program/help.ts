import type { Command } from "./command.ts";
import { commands } from "./commands.ts";
import { globalOptions } from "./global-options.ts";
import type { Language, Text } from "./texts.ts";

const texts = {
  usage: { en: "usage", zh: "用法" },
  verbs: { en: "verbs", zh: "命令" },
  options: { en: "options", zh: "选项" },
  examples: { en: "examples", zh: "示例" },
  more: { en: "`wcs VERB --help` says more.", zh: "`wcs VERB --help` 查看详细帮助。" },
} as const satisfies Record<string, Text>;

/** `wcs --help` */
export function overview(language: Language): string {
  const width = Math.max(...Object.keys(commands).map((verb) => verb.length));
  const lines = Object.entries(commands).map(([verb, { summary }]) => `  ${verb.padEnd(width)}  ${summary[language]}`);
  return [
    `${texts.usage[language]}: wcs VERB [WORD]… [OPTION]…`,
    "",
    `${texts.verbs[language]}:`,
    ...lines,
    "",
    `${texts.options[language]}:`,
    ...optionLines(globalOptions, language),
    "",
    texts.more[language],
    "",
  ].join("\n");
}

/** `wcs VERB --help` */
export function helpOf({
  verb,
  command,
  summary,
  language,
}: Readonly<{ verb: string; command: Command; summary: Text; language: Language }>): string {
  return [
    `${texts.usage[language]}: wcs ${verb} ${command.usage}`.trimEnd(),
    "",
    summary[language],
    "",
    `${texts.options[language]}:`,
    ...optionLines({ ...command.options, ...globalOptions }, language),
    ...(command.examples.length === 0 ? [] : ["", `${texts.examples[language]}:`]),
    ...command.examples.map((example) => `  ${example}`),
    "",
  ].join("\n");
}

function optionLines(options: Command["options"], language: Language): readonly string[] {
  const names = Object.entries(options).map(([name, { short, value }]) => {
    return `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
  });
  const width = Math.max(...names.map((name) => name.length));
  return Object.values(options).map(({ help }, at) => `  ${(names[at] ?? "").padEnd(width)}  ${help[language]}`);
}
