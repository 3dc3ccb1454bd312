import { ProblemError } from "@wcs/api";
import { instanceOperations } from "@wcs/api/instance";
import { packagedCommandOperations, sessionOperations } from "@wcs/api/session";
import { rowsOf, type PackagedCommand } from "@wcs/core/packaged-command";
import { exitCodes } from "../program/exit-codes.ts";
import type { Command } from "../program/command.ts";
import { UsageError } from "../program/usage-error.ts";
import { exitOf, followRecord } from "../session/follow-record.ts";

const [, , create, end] = sessionOperations;
const [listPackaged] = packagedCommandOperations;
const [listInstances] = instanceOperations;
const mostTargets = 1000;

type Result = Readonly<{ instance: string; ok: boolean; trouble: string | null; output: string }>;

export const run: Command = {
  usage: "--list | NAME INSTANCE… | NAME --subsystem ID [--dcn ID]",
  options: {
    list: { type: "boolean", help: { en: "show the commands and their parameters", zh: "列出命令及其参数" } },
    set: {
      type: "string",
      value: "NAME=VALUE,…",
      help: { en: "parameters, such as file=/data/a.log,lines=20", zh: "参数，例如 file=/data/a.log,lines=20" },
    },
    subsystem: { type: "string", value: "ID", help: { en: "in all its instances", zh: "在该子系统的全部实例中" } },
    dcn: { type: "string", value: "ID", help: { en: "only in this DCN", zh: "仅限该数据单元" } },
    "at-once": {
      type: "string",
      value: "N",
      help: { en: "in so many at a time (default 10)", zh: "并发数（默认 10）" },
    },
    "stop-on-error": {
      type: "boolean",
      help: { en: "begin no more after the first that fails", zh: "有一个失败后不再继续" },
    },
  },
  examples: [
    "wcs run --list",
    "wcs run disk-use 1001-1a1-01",
    "wcs run log-tail --subsystem 1001 --set file=/data/app.log,lines=20",
  ],
  run: async ({ words, options, client, output, act, isDryRun, signal }) => {
    const api = await client();
    const { items: commands } = (await api.call(listPackaged, {})).body;
    if (options["list"] === true) {
      await output.list(commands, commandView);
      return exitCodes.ok;
    }
    const [name, ...named] = words;
    const command = commands.find((command) => command.name === name);
    if (command === undefined) {
      throw new UsageError(
        `name a packaged command: ${commands.map((command) => command.name).join(", ")}`,
        `请指定命令：${commands.map((command) => command.name).join("、")}`,
      );
    }
    const { subsystem, dcn } = options;
    const targets = [...named];
    if (typeof subsystem === "string") {
      for (let cursor: string | undefined; targets.length <= mostTargets;) {
        const query = {
          subsystem,
          ...(typeof dcn === "string" ? { dcn } : {}),
          ...(cursor === undefined ? {} : { cursor }),
        };
        const { body } = await api.call(listInstances, { query });
        targets.push(...body.items.map((instance) => instance.name));
        if (body.next === null) break;
        cursor = body.next;
      }
    }
    if (targets.length === 0) {
      throw new UsageError("no instance is named, or none is there", "没有指定实例，或没有实例");
    }
    if (targets.length > mostTargets) {
      throw new UsageError(`more than ${mostTargets} instances: name fewer`, `超过 ${mostTargets} 个实例，请缩小范围`);
    }
    const parameters = parametersOf(options["set"]);
    const waiting = targets.values();
    const results: Result[] = [];
    let isStopped = false;
    const worker = async (): Promise<void> => {
      for (const instance of waiting) {
        if (isStopped || signal.aborted) return;
        const result = await runIn(instance);
        results.push(result);
        if (!result.ok && options["stop-on-error"] === true) isStopped = true;
      }
    };
    const runIn = async (instance: string): Promise<Result> => {
      let id: string | null = null;
      try {
        const body = { instance, command: { kind: "run" as const, name: command.name, parameters } };
        const made = await api.call(create, { query: { dryRun: isDryRun }, body, ...act() });
        if (isDryRun) return { instance, ok: true, trouble: null, output: "" };
        ({ id } = made.body);
        return await resultOf(instance, command, followRecord(api, id, signal));
      } catch (error) {
        if (signal.aborted && id !== null) await api.call(end, { params: { id }, query: {}, ...act() });
        if (!(error instanceof ProblemError)) throw error;
        const { code, detail } = error.problem;
        if (code === "command.refused" || code === "auth.forbidden") throw error;
        return { instance, ok: false, trouble: `${code}: ${detail}`, output: "" };
      }
    };
    const atOnce = Math.max(1, Math.min(50, Number(options["at-once"] ?? 10) || 1));
    await Promise.all(Array.from({ length: Math.min(atOnce, targets.length) }, worker));
    results.sort((a, b) => targets.indexOf(a.instance) - targets.indexOf(b.instance));
    const rows = results.flatMap(({ instance, trouble, output }): Row[] => {
      const found = rowsOf(command, output).map((cells) => ({ instance, trouble: null, cells }));
      return trouble === null ? found : [...found, { instance, trouble, cells: {} }];
    });
    await output.list(rows, viewOf(rows));
    const failed = results.filter(({ ok }) => !ok).length;
    const left = targets.length - results.length;
    if (failed + left > 0) {
      output.say({
        en: `${failed} of ${targets.length} failed, ${left} not begun`,
        zh: `${targets.length} 个中 ${failed} 个失败，${left} 个未开始`,
      });
    }
    return failed + left === 0 ? exitCodes.ok : exitCodes.failed;
  },
};

async function resultOf(
  instance: string,
  { goodExitCodes }: PackagedCommand,
  record: ReturnType<typeof followRecord>,
): Promise<Result> {
  const parts: Buffer[] = [];
  const errors: Buffer[] = [];
  for await (const entry of record) {
    if (entry.kind === "output") parts.push(Buffer.from(entry.data, "base64"));
    else if (entry.kind === "error") errors.push(Buffer.from(entry.data, "base64"));
    else if (entry.kind === "exit") {
      const { code, reason } = exitOf(entry);
      const ok = code === 0 || (code !== null && goodExitCodes.includes(code));
      const said = Buffer.concat(errors).toString("utf8").trim();
      const trouble = ok ? null : [reason ?? `exit code ${code}`, said].filter((text) => text !== "").join(": ");
      return { instance, ok, trouble, output: Buffer.concat(parts).toString("utf8") };
    }
  }
  return { instance, ok: false, trouble: "the session broke off", output: "" };
}

function parametersOf(text: unknown): Record<string, string> {
  if (typeof text !== "string") return {};
  // A comma inside a value: only what looks like the next NAME= ends one.
  return Object.fromEntries(
    text.split(/,(?=[a-zA-Z][A-Za-z0-9]*=)/).map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) throw new UsageError(`"${pair}" is not NAME=VALUE`, `"${pair}" 不是 名称=值`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

type Row = Readonly<{ instance: string; trouble: string | null; cells: Readonly<Record<string, string>> }>;

function viewOf(rows: readonly Row[]) {
  const names = [...new Set(rows.flatMap(({ cells }) => Object.keys(cells)))];
  const isTrouble = rows.some(({ trouble }) => trouble !== null);
  return {
    columns: [
      { header: { en: "INSTANCE", zh: "实例" }, value: ({ instance }: Row) => instance },
      ...names.map((name) => ({
        header: { en: name.toUpperCase(), zh: name },
        value: ({ cells }: Row) => cells[name] ?? null,
      })),
      ...(isTrouble ? [{ header: { en: "FAILED", zh: "失败原因" }, value: ({ trouble }: Row) => trouble }] : []),
    ],
    nameOf: ({ instance }: Row) => `instance/${instance}`,
  };
}

const commandView = {
  columns: [
    { header: { en: "NAME", zh: "名称" }, value: ({ name }: PackagedCommand) => name },
    { header: { en: "WHAT", zh: "用途" }, value: ({ summary }: PackagedCommand) => `${summary.en} / ${summary.zh}` },
    {
      header: { en: "PARAMETERS", zh: "参数" },
      value: ({ parameters }: PackagedCommand) =>
        Object.entries(parameters).map(([name, { default: usual }]) =>
          usual === undefined ? name : `${name}=${String(usual)}`,
        ),
    },
    {
      header: { en: "CHANGES", zh: "变更" },
      value: ({ changes }: PackagedCommand) => (changes ? "yes" : null),
    },
  ],
  nameOf: ({ name }: PackagedCommand) => `packaged-command/${name}`,
};
