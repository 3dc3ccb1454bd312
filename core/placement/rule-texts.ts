import type { Demand } from "./demand.ts";
import { ruleOfKey, subjectOfKey, type ConstraintKey, type RuleName } from "./rule-names.ts";
import { domainName, englishDomain, type BilingualText } from "./texts.ts";
import type { World } from "./world.ts";

/** Why a host was taken out, for a person; said of hosts in general. */
export const ruleTexts: Readonly<Record<RuleName, BilingualText>> = {
  idc: { en: "in another IDC than the DCN", zh: "与 DCN 不在同一机房" },
  environment: { en: "of another environment", zh: "属于其他环境" },
  "dcn-clusters": { en: "in a cluster that the DCN may not use", zh: "不在该 DCN 可用的集群内" },
  "pool-membership": { en: "in a pool that the business does not share", zh: "所在资源池未分配给该业务部门" },
  "cluster-state": { en: "the cluster is not available", zh: "集群不可用" },
  "cluster-stale": { en: "the cluster has not been heard of lately", zh: "集群近期没有上报状态" },
  "rack-state": { en: "the rack is not available", zh: "机架不可用" },
  "same-rack": { en: "in another rack than the instance's addresses are of", zh: "不在实例 IP 所属的机架" },
  "host-state": { en: "the host is not available", zh: "宿主机不可用" },
  "host-labels": { en: "the host lacks a label that is asked for", zh: "宿主机缺少要求的标签" },
  "io-class": { en: "another kind of disk than the class needs", zh: "磁盘类型不符合规格要求" },
  area: { en: "the rack has no subnet of the network area", zh: "机架没有该网络区域的网段" },
  cpu: { en: "not enough CPU free", zh: "CPU 不足" },
  memory: { en: "not enough memory free", zh: "内存不足" },
  disk: { en: "not enough disk free", zh: "磁盘不足" },
  io: { en: "not enough disk IO free", zh: "磁盘 IO 不足" },
  "instances-per-host": { en: "the host runs as many pods as it may", zh: "宿主机实例数已达上限" },
  "fixed-ip": { en: "no fixed IP free in the rack", zh: "机架没有空闲的固定 IP" },
  apart: { en: "must be apart from another subsystem that is there", zh: "必须与那里的其他子系统分开" },
  together: {
    en: "must be together with another subsystem that is not there",
    zh: "必须与其他子系统在一起，而那里没有",
  },
  "max-per-host": { en: "as many of the subsystem on the host as may be", zh: "宿主机上该子系统的实例数已达上限" },
  "max-per-rack": { en: "as many of the subsystem in the rack as may be", zh: "机架上该子系统的实例数已达上限" },
  survival: { en: "too many would be lost at once", zh: "一次故障会丢失过多实例" },
  "quota-limit": { en: "the limit of the business in the pool is reached", zh: "业务部门在资源池的上限已用完" },
  "quota-borrow": { en: "what is left in the pool is guaranteed to others", zh: "资源池剩余容量已为其他业务部门保底" },
  count: { en: "the number of instances asked for", zh: "申请的实例数量" },
};

/** One constraint of a request, as a sentence's part. */
export function constraintText(world: World, key: ConstraintKey, demands: readonly Demand[]): BilingualText {
  const rule = ruleOfKey(key);
  const subject = subjectOfKey(key);
  switch (rule) {
    case "count":
      return countText(world, key, demands);
    case "fixed-ip":
      return {
        en: `the racks have too few fixed IPs free in area ${subject}`,
        zh: `机架在网络区域 ${subject} 的空闲固定 IP 不足`,
      };
    case "survival":
      return survivalText(subject);
    case "max-per-host":
    case "max-per-rack": {
      const domain = rule === "max-per-host" ? "host" : "rack";
      const rules = demands.find((demand) => world.subsystems.names.ids[demand.subsystem] === subject)?.rules;
      const most = domain === "host" ? rules?.maxPerHost : rules?.maxPerRack;
      return {
        en: `at most ${most} of ${subject} in a DCN may be in one ${domain}`,
        zh: `子系统 ${subject} 每个 DCN 在同一${domainName(domain)}最多 ${most} 个实例`,
      };
    }
    case "quota-limit":
      return { en: `business ${subject} has reached its limit`, zh: `业务部门 ${subject} 的配额上限不足` };
    case "together":
    case "apart": {
      const [pair = "", domain = ""] = subject.split("/");
      const [own = "", other = ""] = pair.split("~");
      return rule === "apart"
        ? {
            en: `${own} and ${other} must not be in one ${englishDomain(domain)}`,
            zh: `${own} 与 ${other} 不得在同一${domainName(domain)}`,
          }
        : {
            en: `${own} must be in one ${englishDomain(domain)} with ${other}`,
            zh: `${own} 必须与 ${other} 在同一${domainName(domain)}`,
          };
    }
    default:
      return ruleTexts[rule];
  }
}

function countText(world: World, key: ConstraintKey, demands: readonly Demand[]): BilingualText {
  const [subsystem = "", dcn = ""] = subjectOfKey(key).split("/");
  const own = demands.filter(
    (demand) => world.subsystems.names.ids[demand.subsystem] === subsystem && world.dcns.names.ids[demand.dcn] === dcn,
  );
  const count = own.reduce((sum, demand) => sum + demand.count, 0);
  const size = world.classes.names.ids[own[0]?.class ?? 0];
  const idc = world.idcs.ids[world.dcns.idc[world.dcns.names.index.get(dcn)!]!];
  return own[0]?.kind === "keep"
    ? { en: `${subsystem} shall shrink to ${count} in ${dcn}`, zh: `子系统 ${subsystem} 在 ${dcn} 缩容到 ${count} 个` }
    : {
        en: `${count} more ${size} of ${subsystem} in ${dcn} (IDC ${idc})`,
        zh: `子系统 ${subsystem} 在 ${dcn}（机房 ${idc}）新增 ${count} 个 ${size}`,
      };
}

function survivalText(subject: string): BilingualText {
  const [parts = "", subsystem = ""] = subject.split("@");
  const [domain = "", of = "", share = ""] = parts.split("/");
  return {
    en: `after the loss of any one ${englishDomain(domain)}, ${share}% of ${subsystem} in the ${of === "dcn" ? "DCN" : "DCN group"} must be left, VMs counted`,
    zh: `任一${domainName(domain)}故障后，子系统 ${subsystem} 在${of === "dcn" ? "该 DCN" : "该 DCN 组"}内须保留 ${share}%（含虚拟机）`,
  };
}
