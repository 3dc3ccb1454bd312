import { stripVTControlCharacters } from "node:util";
import type { LabStatus } from "../lifecycle/status.ts";
import type { Figures } from "../lifecycle/figures.ts";
import { text } from "./text.ts";

/** `memory 1.2 GiB, CPU 0.13 cores (over 2.0 s)` */
export function figuresText(figures: Figures): string {
  const memory = figures.memoryMiB === null ? "?" : (figures.memoryMiB / 1024).toFixed(2);
  const cpu = figures.cpuCores === null ? "?" : figures.cpuCores.toFixed(2);
  const seconds = (figures.sampleMs / 1000).toFixed(1);
  return text(
    `memory ${memory} GiB, CPU ${cpu} cores (over ${seconds} s)`,
    `内存 ${memory} GiB，CPU ${cpu} 核（${seconds} 秒内）`,
  );
}

export function statusText(status: LabStatus): string {
  const held =
    status.lock === null
      ? []
      : [text("held by", "占用者"), `${status.lock.pid} (${status.lock.command}), ${status.lock.since}`].join(": ");
  if (status.phase === "down") return [text("the lab is down", "实验环境未启动"), held].flat().join("\n");
  const mark = (ok: boolean, good: string, bad: string) => (ok ? good : bad.toUpperCase());
  const lines = [
    `${text("topology", "拓扑")} ${status.topology}, ${status.phase}, ${text("since", "启动于")} ${status.startedAt}`,
    ...[held].flat(),
    "",
    ...table([
      [
        text("CLUSTER", "集群"),
        "IDC",
        text("HOST", "宿主机"),
        text("RACK", "机架"),
        text("ADDRESSES", "地址"),
        text("POWER", "电源"),
        text("NODE", "节点"),
      ],
      ...status.clusters.flatMap((cluster) =>
        cluster.hosts.map((host) => [
          cluster.name,
          cluster.idc,
          host.name,
          host.rack,
          Object.entries(host.addresses)
            .map(([area, address]) => `${area} ${address}`)
            .join(", "),
          mark(host.on, "on", "off"),
          cluster.apiReachable ? mark(host.ready, "Ready", "NotReady") : text("API UNREACHABLE", "API 不可达"),
        ]),
      ),
    ]),
    "",
    ...table([
      ["VM", text("RACK", "机架"), text("AREA", "区域"), text("ADDRESS", "地址"), text("STATE", "状态")],
      ...status.vms.map((vm) => [vm.name, vm.rack, vm.area, vm.address, mark(vm.running, "running", "stopped")]),
    ]),
    "",
    ...status.clusters.map(
      (cluster) => `${cluster.name}: https://${cluster.address}  KUBECONFIG=${cluster.kubeconfig}`,
    ),
  ];
  if (status.registry) {
    lines.push(
      `${text("registry", "镜像仓库")}: ${status.registry.address}:5000 (registry.lab.wcs) ${mark(status.registry.running, "running", "stopped")}`,
    );
  }
  lines.push(`${text("faults", "故障")}: ${status.faults.join("; ") || text("none", "无")}`);
  if (status.stopped.length > 0) {
    lines.push(`${text("stopped programs", "已停止的程序")}: ${status.stopped.join(", ")}`);
  }
  if (status.readySeconds !== null) {
    lines.push(
      text(
        `every node Ready after ${status.readySeconds.toFixed(1)} s`,
        `全部节点就绪用时 ${status.readySeconds.toFixed(1)} 秒`,
      ),
    );
  }
  if (status.figures !== null) lines.push(figuresText(status.figures));
  return lines.join("\n");
}

/** Columns as wide as their widest cell; a Chinese character takes two places. */
function table(rows: readonly (readonly string[])[]): string[] {
  const width = (cell: string) =>
    Array.from(stripVTControlCharacters(cell)).reduce(
      (sum, char) => sum + ((char.codePointAt(0) ?? 0) >= 0x2e80 ? 2 : 1),
      0,
    );
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => width(row[column] ?? ""))));
  return rows.map((row) =>
    row
      .map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - width(cell) + 2))
      .join("")
      .trimEnd(),
  );
}
