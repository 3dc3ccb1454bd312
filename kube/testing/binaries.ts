import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Where a Kubernetes program is: in the folder that `WCS_KUBE_BIN` names, or in the lab's cache (`wcs-lab prepare` fills it).
 * Throws when it is in neither.
 */
export function findKubeBinary(...names: readonly [string, ...string[]]): string {
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "wcs");
  const folders = [process.env["WCS_KUBE_BIN"], join(cache, "bin")].filter((folder) => folder !== undefined);
  for (const folder of folders) {
    for (const name of names) if (existsSync(join(folder, name))) return join(folder, name);
  }
  throw new Error(
    `${names[0]} is not in ${folders.join(" nor in ")}: run \`npx wcs-lab prepare\`, or set WCS_KUBE_BIN to a folder that has it`,
  );
}
