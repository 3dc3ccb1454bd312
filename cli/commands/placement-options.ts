import type { CommandOptions, OptionValues } from "../program/command.ts";
import { UsageError } from "../program/usage-error.ts";

/** The options by which `wcs explain placement` and `wcs request instances` say what is asked for. */
export const placementOptions = {
  subsystem: { type: "string", value: "ID", help: { en: "the subsystem, four digits", zh: "子系统编号，四位数字" } },
  class: { type: "string", value: "CLASS", help: { en: "the size, such as 2C4G", zh: "规格，例如 2C4G" } },
  areas: {
    type: "string",
    value: "LIST",
    help: {
      en: "a NIC in each of these areas (default: the subsystem's)",
      zh: "在这些网络区域各有一块网卡（默认取子系统设置）",
    },
  },
  pool: { type: "string", value: "POOL", help: { en: "only from this pool", zh: "仅使用该资源池" } },
  temporary: { type: "boolean", help: { en: "temporary instances", zh: "临时实例" } },
  "count-vms": { type: "boolean", help: { en: "VMs are part of the number", zh: "数量包含虚拟机" } },
} as const satisfies CommandOptions;

/** What is asked for, from the options and words such as `1C1=4`. A UsageError names the option or word that is wrong. */
export function placementAskOf(options: OptionValues, counts: readonly string[]) {
  const areas = textOption(options, "areas")?.split(",");
  const pool = textOption(options, "pool");
  return {
    subsystem: neededOption(options, "subsystem"),
    class: neededOption(options, "class"),
    counts: Object.fromEntries(counts.map(countOf)),
    ...(areas === undefined ? {} : { areas }),
    ...(pool === undefined ? {} : { pool }),
    ...(options["temporary"] === true ? { lifetime: "temporary" as const } : {}),
    ...(options["count-vms"] === true ? { countVms: true } : {}),
  };
}

/** An option's text; undefined when it was not given. */
export function textOption(options: OptionValues, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}

/** An option's text; a UsageError when it was not given. */
export function neededOption(options: OptionValues, name: string): string {
  const value = textOption(options, name);
  if (value === undefined) throw new UsageError(`--${name} is missing`, `缺少 --${name}`);
  return value;
}

function countOf(text: string): readonly [string, number] {
  const match = /^([0-9A-Z]{3})=([0-9]{1,5})$/.exec(text);
  if (match !== null) return [match[1] ?? "", Number(match[2])];
  throw new UsageError(`"${text}" is not DCN=COUNT, such as 1C1=4`, `"${text}" 应为 DCN=数量，例如 1C1=4`);
}
