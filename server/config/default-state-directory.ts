import { homedir } from "node:os";
import { join } from "node:path";

/**
 * `$XDG_STATE_HOME/wcs`, or `~/.local/state/wcs` (XDG Base Directory Specification). For root without XDG_STATE_HOME: `/var/lib/wcs` (FHS 3.0,
 * 5.8), since the embedded database runs as another user, who may not enter root's home.
 */
export function defaultStateDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const base = env["XDG_STATE_HOME"];
  if (base !== undefined && base.startsWith("/")) return join(base, "wcs");
  return process.getuid?.() === 0 ? "/var/lib/wcs" : join(homedir(), ".local/state/wcs");
}
