import type { CommandOptions } from "./command.ts";

/** Options of every command. */
export const globalOptions = {
  output: {
    type: "string",
    short: "o",
    value: "FORMAT",
    help: { en: "table (default), wide, json, yaml or name", zh: "输出格式：table（默认）、wide、json、yaml、name" },
  },
  server: {
    type: "string",
    value: "URL",
    help: {
      en: "the server (WCS_SERVER; default http://127.0.0.1:8080)",
      zh: "服务地址（WCS_SERVER，默认 http://127.0.0.1:8080）",
    },
  },
  "token-file": {
    type: "string",
    value: "FILE",
    help: { en: "file with the token (WCS_TOKEN_FILE; or WCS_TOKEN)", zh: "令牌文件（WCS_TOKEN_FILE，或 WCS_TOKEN）" },
  },
  reason: { type: "string", value: "TEXT", help: { en: "why, for the audit", zh: "操作原因，记入审计" } },
  ticket: { type: "string", value: "ID", help: { en: "the change ticket of the act", zh: "变更单号" } },
  "dry-run": { type: "boolean", help: { en: "check everything, change nothing", zh: "只校验，不做任何变更" } },
  yes: { type: "boolean", short: "y", help: { en: "do not ask", zh: "不再询问" } },
  help: { type: "boolean", short: "h", help: { en: "show this help", zh: "显示帮助" } },
} as const satisfies CommandOptions;
