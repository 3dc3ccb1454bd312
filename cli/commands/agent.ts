import { agentOperations } from "@wcs/api/agent";
import type { Command } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";

const [, , createToken, revoke] = agentOperations;

export const agent: Command = {
  usage: "token HOST | revoke HOST",
  options: {
    minutes: {
      type: "string",
      value: "N",
      help: { en: "how long the token lives (default 60)", zh: "令牌有效分钟数（默认 60）" },
    },
  },
  examples: ["wcs agent token idc1-h1", 'wcs agent revoke idc1-h1 --reason "host stolen"'],
  complete: async (words) => (words.length <= 1 ? ["token", "revoke"] : []),
  run: async ({ words, options, client, output, act, isDryRun, confirm }) => {
    const [verb, host, ...more] = words;
    if (host === undefined || more.length > 0 || (verb !== "token" && verb !== "revoke")) {
      throw new UsageError("say token HOST, or revoke HOST", "请用 token HOST，或 revoke HOST");
    }
    const call = { params: { name: host }, query: { dryRun: isDryRun } };
    if (verb === "revoke") {
      const question = {
        en: `Shut the agent of ${host} out, and end its sessions?`,
        zh: `吊销 ${host} 的代理证书并结束其上会话？`,
      };
      if (!(await confirm(question))) return exitCodes.failed;
      const { body } = await (await client()).call(revoke, { ...call, ...act() });
      if (output.format === "json" || output.format === "yaml") await output.document(body);
      return exitCodes.ok;
    }
    const lifetimeMinutes = Number(options["minutes"] ?? 60);
    const { body } = await (await client()).call(createToken, { ...call, body: { lifetimeMinutes }, ...act() });
    if (output.format === "json" || output.format === "yaml") await output.document(body);
    else output.line(body.text);
    output.say({
      en: `Put it, once, into the agent's joinTokenFile on ${host}; it is good until ${body.expiresAt}.`,
      zh: `请写入 ${host} 上代理配置的 joinTokenFile；一次有效，${body.expiresAt} 前有效。`,
    });
    return exitCodes.ok;
  },
};
