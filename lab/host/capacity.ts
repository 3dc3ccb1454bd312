import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

/** `64Gi` -> MiB. */
export function parseMemoryMiB(text: string): number {
  const match = /^(\d+)(Mi|Gi)$/.exec(text);
  if (match === null) throw new RangeError(`${text} is not a memory size such as 512Mi or 64Gi`);
  return Number(match[1]) * (match[2] === "Gi" ? 1024 : 1);
}

/**
 * Writes what a host of that size would show in /proc/meminfo and /sys/devices/system/node; both are bound over the real
 * ones in the host's mount namespace, so that kubelet finds and reports the capacity of the topology. Containers have a
 * /proc of their own and are limited by cgroups as ever. kubelet reads nothing else for capacity: cadvisor v0.53,
 * machine/machine.go and utils/sysinfo/sysinfo.go (GetNodesInfo).
 *
 * kubelet also writes the ids of all CPUs that it found into its cgroup's cpuset, and the kernel refuses one that the
 * machine lacks. So a host with more cores than the machine shows several memory nodes, each with the machine's own CPUs
 * again: they are counted each time, and the set of their ids stays real.
 */
export function writeCapacity(folder: string, size: Readonly<{ cpu: number; memoryMiB: number }>): void {
  const totalKiB = size.memoryMiB * 1024;
  const meminfo = readFileSync("/proc/meminfo", "utf8")
    .replace(/^MemTotal:.*$/m, `MemTotal:       ${totalKiB} kB`)
    .replace(/^(MemFree|MemAvailable):.*$/gm, (_line, field: string) => `${field}:        ${totalKiB} kB`)
    .replace(/^(SwapTotal|SwapFree):.*$/gm, (_line, field: string) => `${field}:          0 kB`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "meminfo"), meminfo);
  const machineCpus = availableParallelism();
  for (let written = 0, node = 0; written < size.cpu; node += 1) {
    for (let cpu = 0; cpu < machineCpus && written < size.cpu; cpu += 1, written += 1) {
      const topology = join(folder, `node/node${node}/cpu${cpu}/topology`);
      mkdirSync(topology, { recursive: true });
      writeFileSync(join(topology, "core_id"), `${cpu}\n`);
      writeFileSync(join(topology, "physical_package_id"), `${node}\n`);
    }
    writeFileSync(join(folder, `node/node${node}/distance`), "10\n");
  }
}
