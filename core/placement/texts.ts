import { cpuAt, memoryAt, resources } from "./world.ts";

/** One thing said in both languages. */
export type BilingualText = Readonly<{ en: string; zh: string }>;

const many = (count: number, one: string, more: string) => `${count} ${count === 1 ? one : more}`;

/** What the engine says to people. One function a sentence, so that both languages stand side by side. */
export const texts = {
  staleCluster: (cluster: string): BilingualText => ({
    en: `Cluster ${cluster} has not been heard of lately, so nothing was placed there.`,
    zh: `集群 ${cluster} 近期没有上报状态，因此没有在其上分配实例。`,
  }),
  borrowedInstances: (count: number): BilingualText => ({
    en: `${many(count, "instance is", "instances are")} beyond the guarantee of the business: borrowed.`,
    zh: `其中 ${count} 个实例超出业务部门的保底配额，属于借用。`,
  }),
  noRoomForResize: (host: string, inTheWay: readonly BilingualText[]): BilingualText => ({
    en: `it can't stay on host ${host}: ${inTheWay.map(({ en }) => en).join("; ")}`,
    zh: `无法留在宿主机 ${host}：${inTheWay.map(({ zh }) => zh).join("；")}`,
  }),
  refused: (asked: readonly BilingualText[], inTheWay: readonly BilingualText[]): BilingualText => ({
    en: `This can't be placed${asked.map(({ en }, index) => `${index === 0 ? ": " : "; "}${en}`).join("")}. In the way: ${inTheWay.map(({ en }) => en).join("; ") || "there is no host for it at all"}.`,
    zh: `无法分配${asked.map(({ zh }, index) => `${index === 0 ? "：" : "；"}${zh}`).join("")}。原因：${inTheWay.map(({ zh }) => zh).join("；") || "没有任何可用的宿主机"}。`,
  }),
  tooLarge: {
    en: "No place was found, and not every possibility was tried: ask for fewer subsystems at once.",
    zh: "没有找到可行的分配方案，且未能穷尽所有可能：请减少一次申请的子系统数量。",
  } satisfies BilingualText,
  idcLost: {
    en: "The IDC of the DCN is lost; other DCNs of its group serve its customers.",
    zh: "该 DCN 所在机房已丢失；由同组的其他 DCN 承接其客户。",
  } satisfies BilingualText,
  hostInRack: (host: string, seen: Readonly<{ rack: string; hosts: number; open: number }>): BilingualText => ({
    en: `${host}: of the ${many(seen.hosts, "other host", "other hosts")} of rack ${seen.rack}, ${seen.open} can take it, and this is the best`,
    zh: `${host}：机架 ${seen.rack} 其余 ${seen.hosts} 台宿主机中有 ${seen.open} 台可容纳，选其中最优`,
  }),
  noHostInRack: (
    rack: string,
    against: readonly Readonly<{ host: string; reasons: readonly BilingualText[] }>[],
  ): BilingualText => {
    const list = (language: "en" | "zh", none: string) =>
      against
        .map(({ host, reasons }) => `${host}: ${reasons.map((reason) => reason[language]).join(", ") || none}`)
        .join("; ");
    return against.length === 0
      ? { en: `rack ${rack} has no other host`, zh: `机架 ${rack} 没有其他宿主机` }
      : {
          en: `no host of rack ${rack} can take it: ${list("en", "full once those before it are there")}`,
          zh: `机架 ${rack} 没有宿主机可容纳：${list("zh", "被排在前面的实例占满")}`,
        };
  },
  noPlace: { en: "No place was found for these.", zh: "没有找到可以放置的位置。" } satisfies BilingualText,
  moreIps: (count: number, rack: string, area: string): BilingualText => ({
    en: `${many(count, "fixed IP", "fixed IPs")} more in ${rack}/${area}`,
    zh: `在 ${rack}/${area} 增加 ${count} 个固定 IP`,
  }),
  moreOnHost: (amount: BilingualText, host: string, rack: string): BilingualText => ({
    en: `${amount.en} more on host ${host} (rack ${rack})`,
    zh: `宿主机 ${host}（机架 ${rack}）增加 ${amount.zh}`,
  }),
  moreQuota: (amount: BilingualText, business: string, pool: string): BilingualText => ({
    en: `${amount.en} more for business ${business} in pool ${pool}`,
    zh: `为业务部门 ${business} 在资源池 ${pool} 增加 ${amount.zh} 配额`,
  }),
  moreUnguaranteed: (amount: BilingualText, pool: string): BilingualText => ({
    en: `${amount.en} more in pool ${pool} that is guaranteed to nobody, or a larger guarantee, or temporary instead of long-term instances`,
    zh: `资源池 ${pool} 增加 ${amount.zh} 未作保底承诺的容量，或提高保底配额，或改为申请临时实例`,
  }),
  raiseMost: (most: number, domain: string, subsystem: string): BilingualText => ({
    en: `allow ${many(most, "instance", "instances")} of ${subsystem} in one ${domain}`,
    zh: `允许子系统 ${subsystem} 在同一${domainName(domain)}放置 ${most} 个实例`,
  }),
  lowerSurvival: (share: number, domain: string, subsystem: string): BilingualText => ({
    en: `accept that only ${share}% of ${subsystem} is left after the loss of one ${englishDomain(domain)}`,
    zh: `接受在丢失任一${domainName(domain)}后子系统 ${subsystem} 仅剩 ${share}%`,
  }),
  lowerCount: (count: number, subsystem: string, dcn: string): BilingualText => ({
    en: `ask for ${count} of ${subsystem} in ${dcn}: so many fit`,
    zh: `子系统 ${subsystem} 在 ${dcn} 改为申请 ${count} 个，可以放下`,
  }),
  raiseCount: (count: number, subsystem: string, dcn: string): BilingualText => ({
    en: `ask for ${count} of ${subsystem} in ${dcn}: with so many, enough are left after a loss`,
    zh: `子系统 ${subsystem} 在 ${dcn} 改为申请 ${count} 个，故障后剩余数量即可满足`,
  }),
  moveInstance: (id: string, from: string, to: string): BilingualText => ({
    en: `move instance ${id} from host ${from} to host ${to}`,
    zh: `将实例 ${id} 从宿主机 ${from} 迁移到宿主机 ${to}`,
  }),
  returnBorrowed: (ids: readonly string[], businesses: readonly string[]): BilingualText => ({
    en: `take back ${many(ids.length, "borrowed instance", "borrowed instances")} (${ids.join(", ")}) of ${businesses.join(", ")}`,
    zh: `收回 ${businesses.join("、")} 借用的 ${ids.length} 个实例（${ids.join("、")}）`,
  }),
  bringBack: (what: BilingualText): BilingualText => ({
    en: `bring back ${what.en}`,
    zh: `恢复 ${what.zh}`,
  }),
  dropRule: (rule: BilingualText): BilingualText => ({
    en: `without the rule: ${rule.en}`,
    zh: `取消规则：${rule.zh}`,
  }),
  together: (all: readonly BilingualText[]): BilingualText => ({
    en: all.map(({ en }) => en).join(", and "),
    zh: all.map(({ zh }) => zh).join("，并且"),
  }),
  funnel: (hosts: number, rule: BilingualText): BilingualText => ({
    en: `${many(hosts, "host", "hosts")}: ${rule.en}`,
    zh: `${hosts} 台宿主机：${rule.zh}`,
  }),
  place: (kind: "host" | "rack" | "cluster", names: readonly string[]): BilingualText => ({
    en: `${kind} ${names.join(", ")}`,
    zh: `${domainName(kind)} ${names.join("、")}`,
  }),
} as const;

/** The name of a failure domain in an English sentence. */
export function englishDomain(domain: string): string {
  return domain === "idc" ? "IDC" : domain;
}

/** `host` 宿主机, `rack` 机架 … */
export function domainName(domain: string): string {
  const names: Readonly<Record<string, string>> = { host: "宿主机", rack: "机架", cluster: "集群", idc: "机房" };
  return names[domain] ?? domain;
}

/** An amount of a resource with its unit: `6 cores`, `512 MiB of memory`. */
export function amountText(resource: number, amount: number): BilingualText {
  if (resource === cpuAt) {
    const cores = Math.ceil(amount / 100) / 10;
    return { en: `${cores} ${cores === 1 ? "core" : "cores"}`, zh: `${cores} 核 CPU` };
  }
  if (resource === memoryAt) {
    const whole = amount >= 1024 ? `${Math.ceil(amount / 102.4) / 10} GiB` : `${amount} MiB`;
    return { en: `${whole} of memory`, zh: `${whole} 内存` };
  }
  switch (resources[resource]) {
    case "diskGiB":
      return { en: `${amount} GiB of disk`, zh: `${amount} GiB 磁盘` };
    case "ioMiBps":
      return { en: `${amount} MiB/s of disk IO`, zh: `${amount} MiB/s 磁盘 IO` };
    default:
      return { en: `room for ${amount} ${amount === 1 ? "instance" : "instances"}`, zh: `${amount} 个实例位` };
  }
}
