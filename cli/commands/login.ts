import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { loginOperations } from "@wcs/api/login";
import { createClient } from "@wcs/api/http";
import { keepLogin } from "../login/keep-login.ts";
import { openLoopbackCallback } from "../login/loopback-callback.ts";
import type { Command, CommandContext } from "../program/command.ts";
import { findConnection } from "../program/connection.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";

const [start, finish] = loginOperations;
const waitMs = 5 * 60_000;

export const login: Command = {
  usage: "[--with-token]",
  options: {
    "no-browser": {
      type: "boolean",
      help: { en: "only print the address to open", zh: "只输出登录地址，不打开浏览器" },
    },
    "with-token": {
      type: "boolean",
      help: { en: "keep an API token, read from stdin", zh: "从标准输入读取 API 令牌并保存" },
    },
  },
  examples: ["wcs login --server https://wcs.bank.example", "wcs login --with-token < token"],
  run: async (context) => {
    const { server } = findConnection(context.options, context.env);
    if (context.options["with-token"] === true) {
      const token = (await context.readStdin()).trim();
      if (!/^wcs_[0-9a-f]{20}_[A-Za-z0-9_-]{43}$/.test(token)) {
        throw new UsageError("what came on stdin is no API token", "标准输入不是 API 令牌");
      }
      keepLogin(context.env, server, token);
      context.output.say({ en: `the token for ${server} is kept`, zh: `已保存 ${server} 的令牌` });
      return exitCodes.ok;
    }
    const { person, text, expiresAt } = await loginByBrowser(context, server);
    keepLogin(context.env, server, text);
    context.output.say({
      en: `logged in to ${server} as ${person}, until ${expiresAt}`,
      zh: `已以 ${person} 登录 ${server}，有效期至 ${expiresAt}`,
    });
    return exitCodes.ok;
  },
};

/** Authorization code with PKCE (RFC 7636): state, nonce and verifier stay here until the browser comes back. */
async function loginByBrowser(context: CommandContext, server: string) {
  const client = createClient({ baseUrl: server, token: undefined, language: context.language });
  const random = (): string => randomBytes(32).toString("base64url");
  const [state, nonce, codeVerifier] = [random(), random(), random()];
  const codeChallenge = createHash("sha256").update(codeVerifier).digest("base64url");
  const callback = await openLoopbackCallback(AbortSignal.any([context.signal, AbortSignal.timeout(waitMs)]));
  try {
    const { redirectUri } = callback;
    const begun = await client.call(start, { body: { redirectUri, state, nonce, codeChallenge } });
    const { authorizationUrl } = begun.body;
    context.output.say({
      en: `Open in a browser:\n  ${authorizationUrl}`,
      zh: `请在浏览器中打开：\n  ${authorizationUrl}`,
    });
    if (context.options["no-browser"] !== true) openBrowser(authorizationUrl);
    const callbackUrl = await callback.arrival;
    return (await client.call(finish, { body: { callbackUrl, state, nonce, codeVerifier } })).body;
  } finally {
    callback.close();
  }
}

/** The address is printed as well: where there is no browser, nothing is lost. */
function openBrowser(url: string): void {
  const child = spawn("xdg-open", [url], { stdio: "ignore", detached: true });
  child.on("error", () => undefined);
  child.unref();
}
