import { existsSync, readFileSync, rmdirSync } from "node:fs";
import { removeFabric } from "../network/build-fabric.ts";
import { removeCgroup } from "../process/cgroup.ts";
import { killAllIn } from "../process/daemon.ts";
import { run, runForStatus } from "../process/run.ts";
import { currentBootId, readStateIfWhole, removeFolders } from "../state/lab-state.ts";
import { dataDir, runDir } from "../state/paths.ts";
import { restoreSysctls } from "../state/sysctls.ts";

/** Takes the lab away, whatever of it there is. The caller holds the lock. */
export async function takeDown(): Promise<void> {
  const state = readStateIfWhole();
  await killAllIn("");
  await unmountBelow([runDir, dataDir]);
  await removeFabric();
  removeCgroup("");
  if (state !== null) {
    if (state.netnsMountMade && state.bootId === currentBootId()) await removeNetnsFolder();
    if (state.bootId === currentBootId()) restoreSysctls(state.raisedSysctls);
    for (const folder of state.madeFolders.toReversed()) removeIfEmpty(folder);
  }
  removeFolders();
}

/** Mounts of the machine at or below a folder, deepest first. */
function mountsBelow(folder: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .map((path) =>
      path.replaceAll(/\\(\d{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
    .filter((path) => path === folder || path.startsWith(`${folder}/`))
    .reverse();
}

async function unmountBelow(folders: readonly string[]): Promise<void> {
  for (const folder of folders) for (const path of mountsBelow(folder)) await run("umount", ["--lazy", path]);
}

/** `ip netns` turns /run/netns into a mount when it is first used; that goes too, unless somebody else has one there. */
async function removeNetnsFolder(): Promise<void> {
  if (mountsBelow("/run/netns").some((path) => path !== "/run/netns")) return;
  for (const path of mountsBelow("/run/netns")) {
    const { status } = await runForStatus("umount", [path]);
    if (status !== 0) return; // somebody is using it just now
  }
  removeIfEmpty("/run/netns");
}

function removeIfEmpty(folder: string): void {
  if (!existsSync(folder)) return;
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && (error.code === "ENOTEMPTY" || error.code === "EBUSY"))) {
      throw error;
    }
  }
}
