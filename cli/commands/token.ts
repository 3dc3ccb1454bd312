import type { tokenOperations } from "@wcs/api/token";
import { operationOnWire } from "@wcs/api/wire";
import type { Command, OptionValues } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";

const create = operationOnWire<(typeof tokenOperations)[1]>("tokens.create");
const revoke = operationOnWire<(typeof tokenOperations)[2]>("tokens.revoke");

const list = (options: OptionValues, name: string): string[] | undefined => {
  const value = options[name];
  return typeof value === "string" ? value.split(",") : undefined;
};

export const token: Command = {
  usage: "create [--for person/NAME] | revoke ID…",
  options: {
    for: {
      type: "string",
      value: "KIND/NAME",
      help: {
        en: "person/NAME or service-account/NAME; default: yourself",
        zh: "person/NAME 或 service-account/NAME，默认本人",
      },
    },
    hours: {
      type: "string",
      value: "N",
      help: { en: "how long it lives (default 720)", zh: "有效小时数（默认 720）" },
    },
    description: { type: "string", value: "TEXT", help: { en: "what it is for", zh: "用途说明" } },
    verbs: { type: "string", value: "LIST", help: { en: "only these verbs", zh: "仅限这些动作" } },
    resources: { type: "string", value: "LIST", help: { en: "only these resources", zh: "仅限这些资源" } },
    businesses: { type: "string", value: "LIST", help: { en: "only these businesses", zh: "仅限这些业务部门" } },
    environments: { type: "string", value: "LIST", help: { en: "only these environments", zh: "仅限这些环境" } },
  },
  examples: [
    "wcs token create --for service-account/ci --hours 24 --verbs get,list",
    "wcs token revoke 18a92a0449574d427f1e",
  ],
  complete: async (words) => (words.length <= 1 ? ["create", "revoke"] : []),
  run: async ({ words, options, client, output, act, isDryRun }) => {
    const [verb, ...ids] = words;
    if (verb === "revoke" && ids.length > 0) {
      for (const id of ids) {
        await (await client()).call(revoke, { params: { id }, query: { dryRun: isDryRun }, ...act() });
      }
      return exitCodes.ok;
    }
    if (verb !== "create" || ids.length > 0) {
      throw new UsageError("say create, or revoke ID", "请用 create，或 revoke ID");
    }
    const scope = Object.fromEntries(
      (["verbs", "resources", "businesses", "environments"] as const)
        .map((name) => [name, list(options, name)] as const)
        .filter(([, names]) => names !== undefined),
    );
    const subject = subjectOf(options["for"]);
    const hours = Number(options["hours"] ?? 720);
    if (!Number.isInteger(hours) || hours < 1) {
      throw new UsageError("--hours takes a whole number above 0", "--hours 应为正整数");
    }
    const { body } = await (
      await client()
    ).call(create, {
      query: { dryRun: isDryRun },
      body: {
        ...(subject === undefined ? {} : { subject }),
        ...(typeof options["description"] === "string" ? { description: options["description"] } : {}),
        ...(Object.keys(scope).length === 0 ? {} : { scope }),
        lifetimeHours: hours,
      },
      ...act(),
    });
    if (output.format === "json" || output.format === "yaml") await output.document(body);
    else output.line(body.text);
    output.say({ en: "This token is shown this once.", zh: "令牌仅显示这一次。" });
    return exitCodes.ok;
  },
};

function subjectOf(value: unknown): { kind: "Person" | "ServiceAccount"; name: string } | undefined {
  if (value === undefined) return undefined;
  const [kind, name, ...more] = (typeof value === "string" ? value : "").split("/");
  const known = kind === "person" ? "Person" : kind === "service-account" ? "ServiceAccount" : undefined;
  if (known !== undefined && name !== undefined && more.length === 0) return { kind: known, name };
  throw new UsageError(
    "--for takes person/NAME or service-account/NAME",
    "--for 应为 person/NAME 或 service-account/NAME",
  );
}
