import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cgroupFolders } from "../process/cgroup.ts";

/** What the lab takes of the machine: all its processes, pods' too, as its cgroup counts them. */
export type Figures = Readonly<{
  /** Working set: usage less what the kernel can drop at once (inactive file pages), as kubelet counts it. */
  memoryMiB: number | null;
  /** Cores in use over the sample. */
  cpuCores: number | null;
  sampleMs: number;
}>;

/** Measures over `sampleMs`, after waiting `settleMs`. A value is null when the machine does not count it. */
export async function measure(sampleMs: number, settleMs = 0): Promise<Figures> {
  await sleep(settleMs);
  const before = cpuMicroseconds();
  const started = performance.now();
  await sleep(sampleMs);
  const elapsedMs = performance.now() - started;
  const after = cpuMicroseconds();
  return {
    memoryMiB: memoryMiB(),
    cpuCores:
      before === null || after === null ? null : Math.round(((after - before) / elapsedMs / 1000) * 1000) / 1000,
    sampleMs: Math.round(elapsedMs),
  };
}

const folderFor = (controller: string) => {
  const folders = cgroupFolders("");
  return (
    folders.find((each) => each.controllers.includes(controller)) ?? folders.find((each) => each.version === 2) ?? null
  );
};

function cpuMicroseconds(): number | null {
  const found = folderFor("cpuacct");
  if (found === null) return null;
  if (found.version === 1) return Number(readFileSync(join(found.folder, "cpuacct.usage"), "utf8")) / 1000;
  return field(join(found.folder, "cpu.stat"), "usage_usec");
}

function memoryMiB(): number | null {
  const found = folderFor("memory");
  if (found === null) return null;
  const [usage, inactive] =
    found.version === 1 ? ["memory.usage_in_bytes", "total_inactive_file"] : ["memory.current", "inactive_file"];
  const bytes =
    Number(readFileSync(join(found.folder, usage), "utf8")) - (field(join(found.folder, "memory.stat"), inactive) ?? 0);
  return Math.round(bytes / 1024 / 1024);
}

function field(file: string, name: string): number | null {
  const match = new RegExp(`^${name} (\\d+)$`, "m").exec(readFileSync(file, "utf8"));
  return match === null ? null : Number(match[1]);
}
