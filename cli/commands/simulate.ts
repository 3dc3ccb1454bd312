import type { CallResult, OperationAnswer } from "@wcs/api";
import { placementOperations } from "@wcs/api/placement";
import type { ListView } from "../output/output.ts";
import type { Command, CommandContext } from "../program/command.ts";
import { exitCodes } from "../program/exit-codes.ts";
import { UsageError } from "../program/usage-error.ts";

type Report = OperationAnswer<typeof placementOperations.simulateLoss>;
type Loss = Report["deployments"][number];

const domains = ["host", "rack", "cluster", "idc"] as const;

export const simulate: Command = {
  usage: "loss host|rack|cluster|idc NAME",
  options: {},
  examples: ["wcs simulate loss rack idc1-r2", "wcs simulate loss idc idc1 -o yaml"],
  complete: async (words) => (words.length <= 1 ? ["loss"] : words.length === 2 ? [...domains] : []),
  run: async (context) => {
    const [what, kind, name, ...more] = context.words;
    const domain = domains.find((each) => each === kind);
    if (what !== "loss" || domain === undefined || name === undefined || more.length > 0) {
      throw new UsageError("say: loss host|rack|cluster|idc NAME", "用法：loss host|rack|cluster|idc 名称");
    }
    const client = await context.client();
    const { body }: CallResult<Report> = await client.call(placementOperations.simulateLoss, {
      body: { domain, name },
    });
    if (context.output.format === "json" || context.output.format === "yaml") await context.output.document(body);
    else await tell(context, body);
    return exitCodes.ok;
  },
};

const view: ListView<Loss> = {
  columns: [
    { header: { en: "SUBSYSTEM", zh: "子系统" }, value: ({ subsystem }) => subsystem },
    { header: { en: "DCN", zh: "DCN" }, value: ({ dcn }) => dcn },
    { header: { en: "BEFORE", zh: "原有" }, value: ({ before }) => before },
    { header: { en: "LEFT", zh: "剩余" }, value: ({ left }) => left },
    { header: { en: "GROUP LEFT", zh: "组内剩余" }, value: (loss) => `${loss.groupLeft}/${loss.groupBefore}` },
    { header: { en: "RULES BROKEN", zh: "违反的规则" }, value: ({ broken }) => broken.map(ruleText) },
    { header: { en: "PLACED AGAIN", zh: "可重新放置" }, value: ({ replacements }) => replacements.length },
    { header: { en: "NO PLACE", zh: "无处可放" }, value: ({ unplaced }) => unplaced.length },
  ],
  nameOf: ({ subsystem, dcn }) => `${subsystem}/${dcn}`,
};

function ruleText({ rule, left, mustBeLeft }: Loss["broken"][number]): string {
  return `${rule.domain}/${rule.of} ${rule.sharePercent}%: ${left}<${mustBeLeft}`;
}

async function tell({ output, language }: CommandContext, report: Report): Promise<void> {
  const { hosts, instances, vms } = report;
  output.say({
    en: `lost: ${hosts} hosts, ${instances} instances, ${vms} VMs`,
    zh: `丢失：${hosts} 台宿主机，${instances} 个实例，${vms} 台虚拟机`,
  });
  await output.list(report.deployments, view);
  for (const { subsystem, dcn, refusal } of report.deployments) {
    if (refusal !== null) output.line(`${subsystem}/${dcn}: ${refusal[language]}`);
  }
}
