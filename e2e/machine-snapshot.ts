import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";

/** What a lab could leave on the machine. Every list is sorted; each entry is one thing. */
export type MachineSnapshot = Readonly<{
  namespaces: readonly string[];
  links: readonly string[];
  routes: readonly string[];
  mounts: readonly string[];
  cgroups: readonly string[];
  processes: readonly string[];
  sysctls: readonly string[];
}>;

/** Programs of containers and their shims, which don't inherit the lab's mark. */
const containerPrograms = /^(containerd-shim.*|runc|pause|main)$/;

/** Names that a lab or a container runtime gives; other tests on the machine may have namespaces of their own. */
const labNamespaces = /^(wcs-lab-|cni-)/;

export function takeMachineSnapshot(): MachineSnapshot {
  const lines = (file: string, args: readonly string[]) =>
    execFileSync(file, args, { encoding: "utf8" }).split("\n").filter(Boolean).sort();
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n").filter(Boolean);
  return {
    namespaces: lines("ip", ["netns", "list"])
      .map((line) => line.split(" ")[0] ?? "")
      .filter((name) => labNamespaces.test(name)),
    links: lines("ip", ["-o", "link"]).map((line) => line.split(": ")[1] ?? ""),
    routes: lines("ip", ["route", "show", "table", "all"]),
    mounts: mounts
      .map((line) => line.split(" ")[4] ?? "")
      .filter((path) => !path.startsWith("/run/netns/") || labNamespaces.test(path.slice("/run/netns/".length)))
      .sort(),
    cgroups: readdirSync("/sys/fs/cgroup", { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap((entry) =>
        readdirSync(`/sys/fs/cgroup/${entry.name}`, { withFileTypes: true }).map((inner) => ({
          outer: entry.name,
          inner,
        })),
      )
      .filter(({ inner }) => inner.isDirectory())
      .map(({ outer, inner }) => `${outer}/${inner.name}`)
      .sort(),
    processes: readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => describeProcess(pid))
      .sort(),
    sysctls: [
      readFileSync("/proc/sys/fs/inotify/max_user_instances", "utf8").trim(),
      readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8").trim(),
    ],
  };
}

function describeProcess(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const program = readlinkSync(`/proc/${pid}/exe`).split("/").at(-1) ?? "";
    const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    const marked = readFileSync(`/proc/${pid}/environ`, "utf8").includes("WCS_LAB=");
    return state === "Z" || !(marked || containerPrograms.test(program)) ? [] : [`${pid} ${argv}`];
  } catch {
    return []; // ended while we looked, or a kernel thread
  }
}
