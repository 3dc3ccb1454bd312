import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";

/** The folders of the server's state. Keys are readable by the server's user only; the embedded database's user may pass through. */
export type StateDirectory = Readonly<{ path: string; keys: string }>;

/** Makes the state directory, 0711, with `keys` in it, 0700. */
export function openStateDirectory(path: string): StateDirectory {
  mkdirSync(path, { recursive: true, mode: 0o711 });
  chmodSync(path, 0o711);
  const keys = join(path, "keys");
  mkdirSync(keys, { recursive: true, mode: 0o700 });
  chmodSync(keys, 0o700);
  return { path, keys };
}
