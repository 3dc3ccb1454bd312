import type { OperationBody } from "@wcs/api";
import type { releaseOperations } from "@wcs/api/release";
import type { CommandOptions, OptionValues } from "../program/command.ts";
import { UsageError } from "../program/usage-error.ts";
import { neededOption, textOption } from "./placement-options.ts";

type ReleaseBody = OperationBody<(typeof releaseOperations)[1]>;

/** The options of `wcs release`. */
export const releaseOptions = {
  subsystem: { type: "string", value: "ID", help: { en: "the subsystem, four digits", zh: "子系统编号，四位数字" } },
  environment: { type: "string", value: "NAME", help: { en: "the environment", zh: "环境" } },
  template: { type: "string", value: "N", help: { en: "the template's version", zh: "模板版本" } },
  "image-digest": { type: "string", value: "HASH", help: { en: "the image: sha256:…", zh: "镜像摘要：sha256:…" } },
  set: {
    type: "string",
    value: "NAME=VALUE",
    multiple: true,
    help: { en: "a parameter of the template", zh: "模板参数" },
  },
  instances: { type: "string", value: "LIST", help: { en: "only these instances", zh: "仅限这些实例" } },
  dcns: { type: "string", value: "LIST", help: { en: "only in these DCNs", zh: "仅限这些数据单元" } },
  canary: {
    type: "string",
    value: "N|DCN|none",
    help: { en: "a first batch: so many, or one DCN (default 1)", zh: "首批：数量或一个数据单元（默认 1）" },
  },
  batch: {
    type: "string",
    value: "N",
    help: { en: "so many instances a batch (default 10)", zh: "每批实例数（默认 10）" },
  },
  "dcn-at-once": {
    type: "string",
    value: "N",
    help: { en: "one DCN after the other, so many at once", zh: "逐个数据单元，每次若干实例" },
  },
  "group-together": {
    type: "boolean",
    help: { en: "DCNs of one group may change together", zh: "同组数据单元可同批变更" },
  },
  "dcn-share": {
    type: "string",
    value: "PERCENT",
    help: { en: "at most this share of a DCN at once (default 50)", zh: "每个数据单元同时变更的最大比例（默认 50）" },
  },
  "pause-after": {
    type: "string",
    value: "none|canary|every|N,…",
    help: { en: "after which batches to wait for a person", zh: "在哪些批次后暂停" },
  },
  soak: {
    type: "string",
    value: "SECONDS",
    help: { en: "how long it must stay Ready (default 5)", zh: "就绪观察秒数（默认 5）" },
  },
  "ready-timeout": {
    type: "string",
    value: "SECONDS",
    help: { en: "when it has failed (default 300)", zh: "就绪超时秒数（默认 300）" },
  },
  http: {
    type: "string",
    value: "PORT/PATH",
    help: { en: "ask each instance over HTTP, such as 8080/ready", zh: "HTTP 检查，例如 8080/ready" },
  },
  "http-timeout": {
    type: "string",
    value: "SECONDS",
    help: { en: "ask again for so long (default 30)", zh: "HTTP 检查持续重试秒数（默认 30）" },
  },
  "rollback-to": { type: "string", value: "previous|ID", help: { en: "where to go back to", zh: "回滚目标" } },
  verification: { type: "string", value: "TEXT", help: { en: "how it is verified at the end", zh: "结束时如何验证" } },
  "go-on-without-cluster": {
    type: "boolean",
    help: { en: "others go on while a cluster is away", zh: "集群失联时其余实例继续" },
  },
  "break-glass": {
    type: "string",
    value: "REASON",
    help: { en: "start in a freeze; kept for ever", zh: "封网期间强制开始，原因永久留存" },
  },
  to: { type: "string", value: "ID", help: { en: "roll back to the end of this release", zh: "回滚到该发布结束时" } },
} as const satisfies CommandOptions;

/** The body of a release from the command's options; a UsageError names the option that is wrong. */
export function releaseBodyOf(options: OptionValues): ReleaseBody {
  const text = (name: keyof typeof releaseOptions) => textOption(options, name);
  const needed = (name: keyof typeof releaseOptions) => neededOption(options, name);
  const count = (name: keyof typeof releaseOptions): number | undefined => {
    const value = text(name);
    return value === undefined ? undefined : whole(name, value);
  };
  const defined = <T extends object>(object: T) =>
    Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
      [K in keyof T]: Exclude<T[K], undefined>;
    };
  const [batch, dcnAtOnce] = [count("batch"), count("dcn-at-once")];
  if (batch !== undefined && dcnAtOnce !== undefined) {
    throw new UsageError("give --batch or --dcn-at-once, not both", "--batch 与 --dcn-at-once 只能选一个");
  }
  return defined({
    subsystem: needed("subsystem"),
    environment: needed("environment"),
    template: whole("template", needed("template")),
    imageDigest: needed("image-digest"),
    parameters: parametersOf(options["set"]),
    instances: text("instances")?.split(","),
    dcns: text("dcns")?.split(","),
    strategy: defined({
      canary: canaryOf(text("canary")),
      batch: batch !== undefined ? { instances: batch } : dcnAtOnce !== undefined ? { dcnAtOnce } : undefined,
      groupTogether: options["group-together"] === true ? true : undefined,
      dcnSharePercent: count("dcn-share"),
      pauseAfter: pausesOf(text("pause-after")),
    }),
    gates: defined({
      soakSeconds: count("soak"),
      readyTimeoutSeconds: count("ready-timeout"),
      http: httpOf(text("http"), count("http-timeout")),
    }),
    goOnWithoutCluster: options["go-on-without-cluster"] === true ? true : undefined,
    rollbackTo: text("rollback-to"),
    verification: text("verification"),
  }) as ReleaseBody;
}

function whole(name: string, value: string): number {
  if (/^[0-9]{1,9}$/.test(value)) return Number(value);
  throw new UsageError(`--${name} ${value}: not a whole number`, `--${name} ${value}：应为整数`);
}

function canaryOf(value: string | undefined) {
  if (value === undefined) return undefined;
  if (value === "none") return null;
  return /^[0-9A-Z]{3}$/.test(value) && !/^[0-9]+$/.test(value)
    ? { dcn: value }
    : { instances: whole("canary", value) };
}

function pausesOf(value: string | undefined) {
  if (value === undefined || value === "none" || value === "canary" || value === "every") return value;
  return value.split(",").map((part) => whole("pause-after", part));
}

function httpOf(value: string | undefined, timeoutSeconds: number | undefined) {
  if (value === undefined && timeoutSeconds !== undefined) {
    throw new UsageError("--http-timeout goes with --http", "--http-timeout 须与 --http 一起使用");
  }
  if (value === undefined) return undefined;
  const match = /^([0-9]{1,5})(\/.*)?$/.exec(value);
  if (match !== null) {
    const asked = { port: Number(match[1]), path: match[2] ?? "/" };
    return timeoutSeconds === undefined ? asked : { ...asked, timeoutSeconds };
  }
  throw new UsageError(
    `--http ${value}: not PORT/PATH, such as 8080/ready`,
    `--http ${value}：应为 端口/路径，例如 8080/ready`,
  );
}

/** `threads=8` is a number, `mode=batch` a text: what JSON reads as a plain value is one. */
function parametersOf(value: unknown): ReleaseBody["parameters"] | undefined {
  if (!Array.isArray(value)) return undefined;
  return Object.fromEntries(
    (value as string[]).map((text) => {
      const at = text.indexOf("=");
      if (at < 1) throw new UsageError(`--set ${text}: not NAME=VALUE`, `--set ${text}：应为 名称=值`);
      return [text.slice(0, at), plainValue(text.slice(at + 1))];
    }),
  );
}

function plainValue(text: string) {
  if (text === "true" || text === "false") return text === "true";
  return /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/.test(text) ? Number(text) : text;
}
