import { closeSync, constants, fchmodSync, fchownSync, fstatSync, lstatSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";

/** Whose log folder: the instance, and the ids that its processes run as. */
export type LogFolder = Readonly<{ instance: string; uid: number; gid: number }>;

/** Group of the pod may write, and what is made in it is the group's: what kubelet asks for by fsGroup, so that it changes nothing. */
const mode = 0o2770;
const instanceName = /^[a-z0-9](?:[-a-z0-9]{0,50}[a-z0-9])?$/;

/**
 * Makes an instance's folder in `root` and gives it to the instance's user; what is in it stays. Nothing is followed: neither the root nor the
 * folder may be a link, and nobody but root may write to the root, so that no container can choose where on the host its logs go. Throws.
 */
export function makeLogFolder(root: string, { instance, uid, gid }: LogFolder): void {
  if (!instanceName.test(instance)) throw new Error(`${JSON.stringify(instance)} is not an instance's name`);
  mkdirSync(root, { recursive: true, mode: 0o755 });
  const top = lstatSync(root);
  if (!top.isDirectory() || top.uid !== 0 || (top.mode & 0o022) !== 0) {
    throw new Error(`${root} is not a folder that root alone may write to: remove it, and the agent makes it`);
  }
  const path = join(root, instance);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const folder = openFolder(path);
  try {
    const found = fstatSync(folder);
    if (found.uid !== uid || found.gid !== gid) fchownSync(folder, uid, gid);
    // After chown, which takes the group's bit away.
    if ((fstatSync(folder).mode & 0o7777) !== mode) fchmodSync(folder, mode);
  } finally {
    closeSync(folder);
  }
}

function openFolder(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ELOOP" && code !== "ENOTDIR") throw error;
    throw new Error(`${path} is a link or no folder: remove it, and the agent makes the folder`, { cause: error });
  }
}

/** Makes the folders of pods as they are seen, each once; one that can't be made is told, and tried again with the next change. */
export function createLogFolders({ root, log }: Readonly<{ root: string; log: (line: string) => void }>): {
  keep: (pods: readonly Readonly<{ uid: string; ended: boolean; logFolder: LogFolder | null }>[]) => void;
} {
  let made: ReadonlySet<string> = new Set();
  return {
    keep: (pods) => {
      const now = new Set<string>();
      for (const { uid, ended, logFolder } of pods) {
        if (logFolder === null || ended) continue;
        if (!made.has(uid)) {
          try {
            makeLogFolder(root, logFolder);
          } catch (error) {
            log(`log folder of ${logFolder.instance}: ${String(error)}`);
            continue;
          }
        }
        now.add(uid);
      }
      made = now;
    },
  };
}
