import { readFileSync } from "node:fs";
import { cmdbOperations } from "@wcs/api/cmdb";
import { importRows } from "../cmdb/import-rows.ts";
import type { Command, CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";
import { cmdbDeliveryView, cmdbTargetView } from "../resources/cmdb-views.ts";

const words = ["add", "enable", "disable", "replay", "discard", "import"] as const;
const allKinds = ["Host", "VM", "Instance"] as const;

/** The bank's CMDB: targets that changes go to, deliveries that gave up, and what comes from it by file. */
export const cmdb: Command = {
  usage:
    "add NAME --url URL | enable NAME | disable NAME | replay ID…|--dead | discard ID… | import -f FILE [--kind KIND]",
  options: {
    url: { type: "string", value: "URL", help: { en: "add: where changes are posted to", zh: "add：变更推送地址" } },
    kinds: {
      type: "string",
      value: "LIST",
      help: { en: "add: Host,VM,Instance (default all)", zh: "add：Host,VM,Instance（默认全部）" },
    },
    "key-file": {
      type: "string",
      value: "FILE",
      help: {
        en: "add: the key of the HMAC; made and shown once without it",
        zh: "add：HMAC 密钥文件；缺省则生成并仅显示一次",
      },
    },
    target: {
      type: "string",
      value: "NAME",
      help: { en: "replay --dead: only of this target", zh: "replay --dead：仅此目标" },
    },
    dead: { type: "boolean", help: { en: "replay: every delivery that gave up", zh: "replay：全部死信" } },
    file: {
      type: "string",
      short: "f",
      value: "FILE",
      help: {
        en: "import: CSV with the columns name, kind and fields such as rack or capacity.cpuMilli; - reads stdin",
        zh: "import：CSV 文件，列为 name、kind 及字段（如 rack、capacity.cpuMilli）；- 为标准输入",
      },
    },
    kind: { type: "string", value: "KIND", help: { en: "import: the kind of all rows", zh: "import：所有行的类型" } },
  },
  examples: [
    "wcs cmdb add we-cmdb --url https://cmdb.bank/hooks/wcs",
    "wcs get cmdb-deliveries -l state=dead",
    "wcs cmdb replay 17",
    "wcs cmdb import -f hosts.csv --kind Host --dry-run",
  ],
  complete: async (typed) => (typed.length <= 1 ? words : []),
  run: async (context) => {
    const [word, ...names] = context.words;
    switch (word) {
      case "add":
        return add(context, names);
      case "enable":
      case "disable":
        return enable(context, names, word === "enable");
      case "replay":
      case "discard":
        return endDead(context, names, word);
      case "import":
        if (names.length > 0) throw new UsageError("import takes -f FILE only", "import 仅接受 -f FILE");
        return importRows(context);
      default:
        throw new UsageError(`say one of ${words.join(", ")}`, `请使用 ${words.join("、")} 之一`);
    }
  },
};

async function add(
  { options, client, output, act, isDryRun }: CommandContext,
  names: readonly string[],
): Promise<number> {
  const [name, ...more] = names;
  const { url } = options;
  if (name === undefined || more.length > 0 || typeof url !== "string") {
    throw new UsageError("give one NAME and --url URL", "请指定一个名称和 --url URL");
  }
  const file = options["key-file"];
  const key = typeof file === "string" ? { key: readKey(file) } : {};
  const body = { name, type: "webhook" as const, url, kinds: kindsOf(options["kinds"]), enabled: true, ...key };
  const { body: made } = await (
    await client()
  ).call(cmdbOperations.createTarget, { query: { dryRun: isDryRun }, body, ...act() });
  if (output.format === "json" || output.format === "yaml") await output.document(made);
  else if (made.key !== "" && typeof file !== "string") output.line(made.key);
  if (isDryRun) output.say({ en: `The target ${name} can be added.`, zh: `可以添加目标 ${name}。` });
  else if (typeof file !== "string") {
    output.say({ en: "This key of the HMAC is shown this once.", zh: "HMAC 密钥仅显示这一次。" });
  }
  return exitCodes.ok;
}

function kindsOf(value: unknown): (typeof allKinds)[number][] {
  if (typeof value !== "string") return [...allKinds];
  return value.split(",").map((word) => {
    const kind = allKinds.find((each) => each.toLowerCase() === word.trim().toLowerCase());
    if (kind !== undefined) return kind;
    throw new UsageError(
      `--kinds ${word}: not one of ${allKinds.join(", ")}`,
      `--kinds ${word}：应为 ${allKinds.join("、")} 之一`,
    );
  });
}

function readKey(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the key can't be read: ${why}`, `无法读取密钥：${why}`);
  }
}

async function enable(context: CommandContext, names: readonly string[], enabled: boolean): Promise<number> {
  const { client, output, act, isDryRun } = context;
  if (names.length === 0) throw new UsageError("name a target", "请指定目标名称");
  const connection = await client();
  for (const name of names) {
    const target = (await cmdbTargetView.get?.(connection, name)) as Readonly<
      Record<"type" | "url" | "kinds" | "version", never>
    >;
    const { type, url, kinds, version } = target;
    const { body } = await connection.call(cmdbOperations.replaceTarget, {
      params: { name },
      query: { dryRun: isDryRun },
      body: { type, url, kinds, enabled },
      ifMatch: `"${String(version)}"`,
      ...act(),
    });
    await output.one(body, cmdbTargetView.view);
  }
  return exitCodes.ok;
}

async function endDead(context: CommandContext, words: readonly string[], how: "replay" | "discard"): Promise<number> {
  const { client, options, output, act, isDryRun, confirm } = context;
  const connection = await client();
  const wantsAll = options["dead"] === true && how === "replay";
  if (wantsAll === words.length > 0) {
    throw new UsageError(`name deliveries by their ID${how === "replay" ? ", or give --dead" : ""}`, "请指定投递编号");
  }
  const ids = words.map((word) => {
    const id = Number(word);
    if (Number.isSafeInteger(id) && id > 0) return id;
    throw new UsageError(`"${word}" is no ID of a delivery`, `"${word}" 不是投递编号`);
  });
  if (wantsAll) {
    const target = options["target"];
    let cursor: string | undefined;
    do {
      const query = {
        state: "dead" as const,
        limit: 500,
        ...(typeof target === "string" ? { target } : {}),
        ...(cursor === undefined ? {} : { cursor }),
      };
      const { body } = await connection.call(cmdbOperations.listDeliveries, { query });
      ids.push(...body.items.map(({ id }) => id));
      cursor = body.next ?? undefined;
    } while (cursor !== undefined);
  }
  const question = {
    en: `Give up ${words.join(", ")}? The CMDB never gets them.`,
    zh: `放弃 ${words.join("、")}？CMDB 将收不到这些变更。`,
  };
  if (how === "discard" && !isDryRun && !(await confirm(question))) return exitCodes.failed;
  const operation = how === "replay" ? cmdbOperations.replayDelivery : cmdbOperations.discardDelivery;
  const done = [];
  for (const id of ids) {
    done.push((await connection.call(operation, { params: { id }, query: { dryRun: isDryRun }, ...act() })).body);
  }
  await output.list(done, cmdbDeliveryView.view);
  return exitCodes.ok;
}
