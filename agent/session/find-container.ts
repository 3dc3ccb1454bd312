import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { LinkError } from "@wcs/api/agent-link";

/** The container that a session is for, as the server names it. */
export type SessionTarget = Readonly<{ namespace: string; pod: string; podUid: string; container: string }>;

/** A running container as containerd keeps it. */
export type FoundContainer = Readonly<{
  id: string;
  pid: number;
  user: Readonly<{ uid: number; gid: number; groups: readonly number[] }>;
  env: readonly string[];
  cwd: string;
}>;

type Bundle = Readonly<{
  annotations?: Readonly<Record<string, string>>;
  process: Readonly<{
    user: Readonly<{ uid: number; gid: number; additionalGids?: readonly number[] }>;
    env?: readonly string[];
    cwd: string;
  }>;
}>;

const annotation = (name: string): string => `io.kubernetes.cri.${name}`;

/**
 * Finds a running container by containerd's own ids: its runtime keeps a folder for each (`config.json` of the OCI runtime specification, `init.pid`), which costs a
 * file's reading where asking containerd costs a process. Throws `instance.not-here`.
 */
export async function findContainer(tasksFolder: string, target: SessionTarget): Promise<FoundContainer> {
  const ids = await readdir(tasksFolder).catch((error: NodeJS.ErrnoException) => {
    throw new LinkError("instance.not-here", `containerd's folder can't be read: ${error.message}`, { cause: error });
  });
  for (const id of ids) {
    const bundle = await readBundle(join(tasksFolder, id));
    const annotations = bundle?.annotations ?? {};
    const isTarget =
      annotations[annotation("container-type")] === "container" &&
      annotations[annotation("sandbox-namespace")] === target.namespace &&
      annotations[annotation("sandbox-name")] === target.pod &&
      (annotations[annotation("sandbox-uid")] ?? target.podUid) === target.podUid &&
      annotations[annotation("container-name")] === target.container;
    if (bundle === null || !isTarget) continue;
    const pid = await pidOf(join(tasksFolder, id), id);
    if (pid === null) continue;
    const { user, env = [], cwd } = bundle.process;
    return { id, pid, user: { uid: user.uid, gid: user.gid, groups: user.additionalGids ?? [] }, env, cwd };
  }
  throw new LinkError(
    "instance.not-here",
    `no container ${target.container} of ${target.namespace}/${target.pod} runs on this host`,
  );
}

async function readBundle(folder: string): Promise<Bundle | null> {
  try {
    return JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as Bundle;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null; // it has just gone
    throw error;
  }
}

/** The container's first process, if it lives: a number may have gone to another process, whose cgroup is not the container's. */
async function pidOf(folder: string, id: string): Promise<number | null> {
  try {
    const pid = Number(await readFile(join(folder, "init.pid"), "utf8"));
    const cgroups = await readFile(`/proc/${pid}/cgroup`, "utf8");
    return Number.isInteger(pid) && cgroups.includes(id) ? pid : null;
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}
