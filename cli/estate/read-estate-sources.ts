import { readFile } from "node:fs/promises";
import type { CommandContext, CommandOptions } from "../program/command.ts";
import { UsageError } from "../program/usage-error.ts";
import type { EstateSource } from "./send-estate-files.ts";

/** The option that names files of estate documents. */
export const fileOption = {
  file: {
    type: "string",
    short: "f",
    value: "FILE",
    multiple: true,
    help: {
      en: "estate documents, YAML or JSON; - reads stdin; may be given again",
      zh: "资源台账文件（YAML 或 JSON）；- 为标准输入；可多次指定",
    },
  },
} as const satisfies CommandOptions;

/** Reads the files that `-f` names; throws a UsageError when there are none or one can't be read. */
export async function readEstateSources({
  words,
  options,
  readStdin,
}: CommandContext): Promise<readonly EstateSource[]> {
  const files = (options["file"] ?? []) as readonly string[];
  if (files.length === 0 || words.length > 0) throw new UsageError("name a file: -f FILE", "请指定文件：-f FILE");
  const sources: EstateSource[] = [];
  for (const file of files) {
    if (file === "-") sources.push({ file: "stdin", text: await readStdin() });
    else sources.push({ file, text: await read(file) });
  }
  return sources;
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${file} can't be read: ${why}`, `无法读取 ${file}：${why}`);
  }
}
