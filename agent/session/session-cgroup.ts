import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A cgroup of one session below its container's, in every hierarchy: the container's limits hold for it, and all its processes are found. */
export type SessionCgroup = Readonly<{
  /** The files by which a process joins. */
  procsFiles: readonly string[];
  /** Ends every process in it, and removes it. Throws when one does not end. */
  end: () => Promise<void>;
}>;

const killRounds = 200;

/** Makes the cgroup for a session in the container of a process. */
export async function makeSessionCgroup(pid: number, session: string): Promise<SessionCgroup> {
  const [mounts, memberships] = await Promise.all([
    readFile("/proc/self/mountinfo", "utf8"),
    readFile(`/proc/${pid}/cgroup`, "utf8"),
  ]);
  const folders = foldersOf(mounts, memberships).map((parent) => ({ parent, path: join(parent, `wcs-${session}`) }));
  if (folders.length === 0) throw new Error("the container's cgroups are not mounted here");
  const made: string[] = [];
  const end = async (): Promise<void> => {
    await killAll(made);
    for (const path of made) await rmdir(path).catch(ignoreGone);
  };
  try {
    for (const { parent, path } of folders) {
      await mkdir(path, { recursive: true });
      made.push(path);
      // A new cpuset of v1 takes nobody before it has processors and memory nodes (cgroup-v1/cpusets.rst).
      for (const file of ["cpuset.cpus", "cpuset.mems"]) {
        const own = await readFile(join(path, file), "utf8").catch(() => null);
        if (own?.trim() === "") await writeFile(join(path, file), await readFile(join(parent, file), "utf8"));
      }
    }
  } catch (error) {
    await end();
    throw error;
  }
  return { procsFiles: made.map((path) => join(path, "cgroup.procs")), end };
}

/** The folders of a process's cgroups, from mountinfo and /proc/PID/cgroup (proc(5), cgroups(7)). */
export function foldersOf(mountinfo: string, memberships: string): readonly string[] {
  const mounts = mountinfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root = "", path = ""] = before.split(" ");
    const [type, , options = ""] = after.split(" ");
    return type === "cgroup" || type === "cgroup2" ? [{ root, path, type, options: new Set(options.split(",")) }] : [];
  });
  const found = new Set<string>();
  for (const line of memberships.split("\n")) {
    const [, controllers = "", ...rest] = line.split(":");
    const path = rest.join(":");
    if (path === "") continue;
    const mount = mounts.find(
      ({ type, options, root }) =>
        root === "/" &&
        (controllers === "" ? type === "cgroup2" : controllers.split(",").every((name) => options.has(name))),
    );
    // At the root of a hierarchy the container is not held by it, and neither is the session.
    if (mount !== undefined && path !== "/") found.add(join(mount.path, path));
  }
  return [...found];
}

/** Kills until nobody is left: what forks while it is killed is stopped first where the kernel can. */
async function killAll(paths: readonly string[]): Promise<void> {
  for (let round = 0; ; round += 1) {
    const pids = new Set<number>();
    for (const path of paths) {
      const text = await readFile(join(path, "cgroup.procs"), "utf8").catch(ignoreGone);
      for (const line of (text ?? "").split("\n")) if (line !== "") pids.add(Number(line));
    }
    if (pids.size === 0) return;
    if (round === killRounds) throw new Error(`processes ${[...pids].join(", ")} of the session do not end`);
    await writeAll(paths, "cgroup.kill", "1");
    await writeAll(paths, "freezer.state", "FROZEN");
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    }
    await writeAll(paths, "freezer.state", "THAWED");
    await sleep(Math.min(5 + round, 50));
  }
}

async function writeAll(paths: readonly string[], file: string, text: string): Promise<void> {
  // Opened without making: only some hierarchies have the file.
  for (const path of paths) await writeFile(join(path, file), text, { flag: "r+" }).catch(ignoreGone);
}

function ignoreGone(error: NodeJS.ErrnoException): null {
  if (["ENOENT", "ENODEV", "EBUSY", "EACCES"].includes(error.code ?? "")) return null;
  throw error;
}
