import { existsSync, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Folders of the lab's cache that hold programs (`kubernetes-KEY`, `etcd-KEY`), newest first. */
function cacheFolders(): string[] {
  const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "wcs");
  if (!existsSync(cache)) return [];
  return readdirSync(cache)
    .filter((name) => /^(?:kubernetes|etcd)-/.test(name))
    .map((name) => join(cache, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
}

/**
 * Where a Kubernetes program is: in the folder that `WCS_KUBE_BIN` names, or in the lab's cache (`wcs-lab prepare` fills it).
 * Throws when it is in neither.
 */
export function findKubeBinary(...names: readonly [string, ...string[]]): string {
  const chosen = process.env["WCS_KUBE_BIN"];
  for (const folder of chosen ? [chosen] : cacheFolders()) {
    for (const name of names) if (existsSync(join(folder, name))) return join(folder, name);
  }
  throw new Error(`${names[0]} is not there: run \`npx wcs-lab prepare\`, or set WCS_KUBE_BIN to a folder that has it`);
}
