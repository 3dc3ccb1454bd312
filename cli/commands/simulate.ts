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
    { header: { en: "LOST", zh: "丢失" }, value: ({ lostInstances, lostVms }) => lostInstances.length + lostVms },
    { header: { en: "CAN RETURN", zh: "可恢复" }, value: ({ replacements }) => replacements.length },
    { header: { en: "CAN'T RETURN", zh: "无法恢复" }, value: ({ unplaced }) => unplaced.length },
  ],
  nameOf: ({ subsystem, dcn }) => `${subsystem}/${dcn}`,
};

const domainNames = {
  host: { en: "host", zh: "宿主机" },
  rack: { en: "rack", zh: "机架" },
  cluster: { en: "cluster", zh: "集群" },
  idc: { en: "data centre", zh: "机房" },
} as const;

/** A rule that no longer holds, as a sentence. */
function brokenText({ subsystem, dcn, group }: Loss, { rule, before, left, mustBeLeft }: Loss["broken"][number]) {
  const domain = domainNames[rule.domain];
  const where = rule.of === "dcn" ? dcn : group;
  return {
    en: `subsystem ${subsystem} in ${where} has ${left} of ${before} left; its rule wants ${mustBeLeft} (${rule.sharePercent}% after the loss of any one ${domain.en})`,
    zh: `子系统 ${subsystem} 在 ${where} 原有 ${before} 个，仅剩 ${left} 个；规则要求任一${domain.zh}故障后保留 ${rule.sharePercent}%，即 ${mustBeLeft} 个`,
  };
}

/** What the loss means, for somebody who decides and does not run it. */
function summaryOf({ domain, id, hosts, instances, vms, deployments }: Report) {
  const name = domainNames[domain];
  const down = deployments.filter(({ left }) => left === 0);
  const stopped = down.filter(({ groupLeft }) => groupLeft === 0).length;
  const back = deployments.reduce((sum, { replacements }) => sum + replacements.length, 0);
  const rest = instances - back;
  return {
    en: [
      `Without ${name.en} ${id}: ${hosts} hosts, ${instances} instances and ${vms} VMs are lost, of ${deployments.length} subsystems (counted by DCN).`,
      down.length === 0
        ? "Every one of them goes on with fewer."
        : `${down.length} of them have nothing left in the DCN${stopped === 0 ? ", all of which go on in another DCN of the group" : `, ${stopped} of which have nothing left in the whole group and stop`}.`,
      rest === 0
        ? `All ${instances} lost instances could be placed elsewhere.`
        : `${back} of the lost instances could be placed elsewhere, ${rest} could not.`,
    ].join(" "),
    zh: [
      `失去${name.zh} ${id}：影响 ${deployments.length} 个子系统（按 DCN 计），丢失 ${hosts} 台宿主机、${instances} 个实例、${vms} 台虚拟机。`,
      down.length === 0
        ? "这些子系统都还有实例在运行。"
        : `其中 ${down.length} 个在该 DCN 内全部丢失${stopped === 0 ? "，由同组其他 DCN 承接" : `，${stopped} 个在整个 DCN 组内都没有剩余，服务中断`}。`,
      rest === 0
        ? `丢失的 ${instances} 个实例都可在别处恢复。`
        : `丢失的实例中 ${back} 个可在别处恢复，${rest} 个无法恢复。`,
    ].join(""),
  };
}

async function tell({ output, language }: CommandContext, report: Report): Promise<void> {
  output.line(summaryOf(report)[language]);
  if (report.deployments.length === 0) return;
  output.line("");
  await output.list(report.deployments, view);
  const broken = report.deployments.flatMap((loss) => loss.broken.map((each) => brokenText(loss, each)));
  if (broken.length > 0) {
    output.line("");
    output.line({ en: "Rules that would no longer hold:", zh: "不再满足的规则：" }[language]);
    for (const text of broken) output.line(`  - ${text[language]}`);
  }
  const stuck = report.deployments.filter(({ refusal }) => refusal !== null);
  if (stuck.length > 0) {
    output.line("");
    output.line({ en: "Why some could not be placed elsewhere:", zh: "部分实例无法恢复的原因：" }[language]);
  }
  for (const { subsystem, dcn, refusal } of stuck) output.line(`  - ${subsystem} / ${dcn}: ${refusal?.[language]}`);
}
