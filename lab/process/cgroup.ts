import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupRoot } from "../state/paths.ts";

/** One mounted cgroup hierarchy: v1 with its controllers, or v2 (unified). */
export type Hierarchy = Readonly<{ path: string; version: 1 | 2; controllers: readonly string[] }>;

const v1Controllers = new Set([
  "cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "net_cls", "net_prio", "perf_event", "hugetlb", "rdma", "misc",
]); // prettier-ignore

/** The hierarchies of this machine, from /proc/self/mountinfo (proc(5)). Same folder mounted twice counts once. */
export function hierarchies(mountinfo: string = readFileSync("/proc/self/mountinfo", "utf8")): Hierarchy[] {
  const found = new Map<string, Hierarchy>();
  for (const line of mountinfo.split("\n")) {
    const [before, after] = line.split(" - ");
    const path = before?.split(" ")[4];
    const [type, , options] = after?.split(" ") ?? [];
    if (path === undefined || !path.startsWith("/sys/fs/cgroup")) continue;
    if (type === "cgroup") {
      const words = options?.split(",") ?? [];
      const controllers = words.filter((word) => v1Controllers.has(word) || word.startsWith("name="));
      found.set(controllers.join(","), { path, version: 1, controllers });
    } else if (type === "cgroup2") found.set("v2", { path, version: 2, controllers: [] });
  }
  return [...found.values()];
}

/** Makes `/wcs-lab/…` in every hierarchy. On v1 a new cpuset is useless until it has CPUs and memory nodes. */
export function makeCgroup(name: string): void {
  for (const hierarchy of hierarchies()) {
    const parts = [cgroupRoot, ...name.split("/").filter(Boolean)];
    let parent = hierarchy.path;
    for (const part of parts) {
      const path = join(parent, part);
      if (hierarchy.version === 2) enableControllers(parent);
      mkdirSync(path, { recursive: true });
      if (hierarchy.controllers.includes("cpuset")) {
        for (const file of ["cpuset.cpus", "cpuset.mems"]) {
          if (readFileSync(join(path, file), "utf8").trim() === "") {
            writeFileSync(join(path, file), readFileSync(join(parent, file), "utf8"));
          }
        }
      }
      parent = path;
    }
  }
}

/** v2: children may use a controller only when the parent hands it on (cgroup-v2.rst, "Top-down Constraint"). */
function enableControllers(path: string): void {
  const available = readFileSync(join(path, "cgroup.controllers"), "utf8").trim().split(" ").filter(Boolean);
  const enabled = new Set(readFileSync(join(path, "cgroup.subtree_control"), "utf8").trim().split(" "));
  const missing = available.filter((name) => !enabled.has(name));
  if (missing.length > 0) {
    writeFileSync(join(path, "cgroup.subtree_control"), missing.map((name) => `+${name}`).join(" "));
  }
}

/** The files that a process writes its id to in order to join. */
export const cgroupProcsFiles = (name: string) =>
  hierarchies().map((hierarchy) => join(hierarchy.path, cgroupRoot, name, "cgroup.procs"));

/** Ids of all processes in the lab's cgroup of that name and below, in whatever hierarchy they show. */
export function processesIn(name: string): number[] {
  const pids = new Set<number>();
  for (const hierarchy of hierarchies()) {
    walk(join(hierarchy.path, cgroupRoot, name), (path) => {
      for (const pid of readProcs(path)) pids.add(pid);
    });
  }
  return [...pids].sort((a, b) => a - b);
}

/** Removes the lab's cgroup of that name and all below, in every hierarchy. Its processes must have ended. */
export function removeCgroup(name: string): void {
  for (const hierarchy of hierarchies()) walk(join(hierarchy.path, cgroupRoot, name), (path) => removeEmpty(path));
}

/** Folders of the lab's cgroup that exist, with the hierarchy; for looking after a `down`. */
export const cgroupFolders = (name: string) =>
  hierarchies()
    .map((hierarchy) => ({ ...hierarchy, folder: join(hierarchy.path, cgroupRoot, name) }))
    .filter(({ folder }) => existsSync(folder));

function readProcs(path: string): number[] {
  try {
    return readFileSync(join(path, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  } catch (error) {
    if (isGone(error)) return []; // a container's cgroup can go while we look
    throw error;
  }
}

function removeEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

const isGone = (error: unknown) =>
  error instanceof Error &&
  "code" in error &&
  (error.code === "ENOENT" || error.code === "ENODEV" || error.code === "EOPNOTSUPP");

/** Children first. */
function walk(path: string, visit: (path: string) => void): void {
  let names: string[];
  try {
    names = readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (isGone(error)) return;
    throw error;
  }
  for (const name of names) walk(join(path, name), visit);
  visit(path);
}
