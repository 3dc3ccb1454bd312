import { readFileSync } from "node:fs";
import { templateOperations } from "@wcs/api/template";
import type { Command, CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { templateName, templateView } from "../resources/template-view.ts";

const [, create, , diff] = templateOperations;

export const template: Command = {
  usage: "add SUBSYSTEM -f FILE | diff SUBSYSTEM/FROM SUBSYSTEM/TO",
  options: {
    file: {
      type: "string",
      short: "f",
      value: "FILE",
      help: { en: "the spec, YAML or JSON; - is stdin", zh: "模板文件（YAML 或 JSON），- 为标准输入" },
    },
    note: { type: "string", value: "TEXT", help: { en: "what is new in it", zh: "版本说明" } },
  },
  examples: ["wcs template add 1001 -f query.yaml --note 'bigger heap'", "wcs template diff 1001/2 1001/3"],
  complete: async (words) => (words.length <= 1 ? ["add", "diff"] : []),
  run: async (context) => {
    const [verb, ...rest] = context.words;
    if (verb === "add" && rest.length === 1) return add(context, rest[0] ?? "");
    if (verb === "diff" && rest.length === 2) return compare(context, rest[0] ?? "", rest[1] ?? "");
    throw new UsageError(
      "say: add SUBSYSTEM -f FILE, or diff FROM TO",
      "用法：add 子系统 -f 文件，或 diff 旧版本 新版本",
    );
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

async function compare({ client, output }: CommandContext, from: string, to: string): Promise<number> {
  const [old, params] = [templateName(from), templateName(to)];
  if (old.subsystem !== params.subsystem) {
    throw new UsageError("both versions are of one subsystem", "两个版本须属于同一子系统");
  }
  const { body } = await (await client()).call(diff, { params, query: { from: old.version } });
  if (output.format === "json" || output.format === "yaml") await output.document(body);
  else {
    for (const { path, from, to } of body.differences) {
      output.line(`${path}: ${JSON.stringify(from) ?? "-"} -> ${JSON.stringify(to) ?? "-"}`);
    }
  }
  return body.differences.length === 0 ? exitCodes.ok : exitCodes.differs;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${file} can't be read: ${why}`, `无法读取 ${file}：${why}`);
  }
}
