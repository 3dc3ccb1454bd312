import { text } from "./text.ts";

/** One command as `--help` shows it. */
export type CommandHelp = Readonly<{ usage: string; what: string }>;

export const commandHelp = {
  up: {
    usage: "up [TOPOLOGY] [--cni PROGRAM] [--no-figures]",
    what: text("bring the lab up, or repair it", "启动或修复实验环境"),
  },
  down: { usage: "down", what: text("take it away, all of it", "全部清除") },
  status: { usage: "status [-o text|json]", what: text("what is up and how it is", "查看状态") },
  kubeconfig: {
    usage: "kubeconfig CLUSTER",
    what: text("print an administrator's kubeconfig", "输出集群的管理员 kubeconfig"),
  },
  kubectl: {
    usage: "kubectl CLUSTER ARG…",
    what: text("kubectl of the lab's own version, as administrator", "以管理员身份运行实验环境自带的 kubectl"),
  },
  shell: {
    usage: "shell NAME",
    what: text("a shell on a host, a VM or in any namespace", "进入宿主机、虚拟机或任一命名空间的 shell"),
  },
  exec: { usage: "exec NAME -- PROGRAM [ARG…]", what: text("run a program there", "在其中运行程序") },
  logs: {
    usage: "logs COMPONENT [-f]",
    what: text("a program's log, such as idc1-h1/kubelet", "查看组件日志，例如 idc1-h1/kubelet"),
  },
  estate: {
    usage: "estate [TOPOLOGY]",
    what: text("the topology as estate data (YAML documents)", "以资产数据（YAML）输出拓扑"),
  },
  firewall: { usage: "firewall [IDC]", what: text("the firewalls' rules, with counters", "查看防火墙规则与计数") },
  fault: { usage: "fault KIND [TARGET]", what: text("break something, or heal it", "注入或恢复故障") },
  check: { usage: "check TOPOLOGY", what: text("check a topology file, touch nothing", "只检查拓扑文件") },
  topologies: { usage: "topologies", what: text("the topologies that the lab ships", "列出自带的拓扑") },
  prepare: {
    usage: "prepare",
    what: text("packages, binaries and images that `up` needs", "准备 up 所需的软件包、程序和镜像"),
  },
} as const satisfies Record<string, CommandHelp>;

export function helpText(): string {
  const lines = Object.values(commandHelp).map(({ usage, what }) => `  ${usage.padEnd(46)} ${what}`);
  return text(
    `wcs-lab: several real Kubernetes clusters on a real (namespaced) network of racks and data centres, on one machine.

usage: wcs-lab COMMAND
${lines.join("\n")}

TOPOLOGY is a YAML file or one that is shipped (wcs-lab topologies); the default is two-idc.
Exit codes: 0 done, 1 failed, 2 wrong usage or wrong topology, 3 not found. Needs root.
`,
    `wcs-lab：在一台机器上，用命名空间组成有机架和机房的真实网络，运行多个真实的 Kubernetes 集群。

用法：wcs-lab 命令
${lines.join("\n")}

TOPOLOGY 是 YAML 文件，或自带拓扑之一（wcs-lab topologies），默认 two-idc。
退出码：0 完成，1 失败，2 用法或拓扑有误，3 未找到。需要 root。
`,
  );
}
