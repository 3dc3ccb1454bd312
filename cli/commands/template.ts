import { readFileSync } from "node:fs";
import { templateOperations } from "@wcs/api/template";
import type { Command, CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { templateView } from "../resources/template-view.ts";

const [, create] = templateOperations;

export const template: Command = {
  usage: "add SUBSYSTEM -f FILE",
  options: {
    file: {
      type: "string",
      short: "f",
      value: "FILE",
      help: { en: "the spec, YAML or JSON; - is stdin", zh: "模板文件（YAML 或 JSON），- 为标准输入" },
    },
    note: { type: "string", value: "TEXT", help: { en: "what is new in it", zh: "版本说明" } },
  },
  examples: ["wcs template add 1001 -f query.yaml --note 'bigger heap'"],
  complete: async (words) => (words.length <= 1 ? ["add"] : []),
  run: async (context) => {
    const [verb, ...rest] = context.words;
    if (verb === "add" && rest.length === 1) return add(context, rest[0] ?? "");
    throw new UsageError("say: add SUBSYSTEM -f FILE", "用法：add 子系统 -f 文件");
  },
};

async function add(context: CommandContext, subsystem: string): Promise<number> {
  const { file, note } = context.options;
  if (typeof file !== "string") throw new UsageError("-f is missing", "缺少 -f");
  const text = file === "-" ? await context.readStdin() : readText(file);
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text);
  const [fault] = document.errors;
  if (fault !== undefined) throw new UsageError(`${file}: ${fault.message}`, `${file}：${fault.message}`);
  // The server checks it against the contract.
  const spec = document.toJS() as never;
  const body = { subsystem, spec, ...(typeof note === "string" ? { note } : {}) };
  const client = await context.client();
  const made = await client.call(create, { body, query: { dryRun: context.isDryRun }, ...context.act() });
  await context.output.one(made.body, templateView.view);
  if (made.status === 200) context.output.say({ en: "That is the newest version already.", zh: "与最新版本相同。" });
  return exitCodes.ok;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${file} can't be read: ${why}`, `无法读取 ${file}：${why}`);
  }
}
