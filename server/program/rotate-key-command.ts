import { join } from "node:path";
import { ConfigFailure } from "../config/config-failure.ts";
import { readConfig } from "../config/settings.ts";
import { rotateKeyRing, type KeyRingChange } from "../secrets/rotate-key-ring.ts";

const help = `usage: wcs server rotate-key [--prepare | --activate] [--state-dir FOLDER]

  Makes a new key for the secrets in the database (keys/secrets.json of the state directory). Running servers take it by themselves, and bring
  every secret under it. It may be killed at any moment, and run again. Back up keys/ afterwards; older keys stay, for older backups.

  --prepare    with several state directories: only add the key; then copy the file to each of them,
  --activate   and make the newest key the one that seals, on each of them
`;

/** `wcs server rotate-key`: returns the exit code. The new key's id goes to stdout. */
export function rotateKeyCommand(args: readonly string[], env: Readonly<Record<string, string | undefined>>): number {
  if (args.includes("--help")) {
    console.log(help);
    return 0;
  }
  try {
    const flags: readonly string[] = args.filter((arg) => arg === "--prepare" || arg === "--activate");
    if (flags.length > 1) throw new ConfigFailure("give --prepare or --activate, not both");
    const change: KeyRingChange =
      flags[0] === "--prepare" ? "prepare" : flags[0] === "--activate" ? "activate" : "rotate";
    const config = readConfig(
      args.filter((arg) => !flags.includes(arg)),
      env,
    );
    const path = join(config.stateDirectory, "keys", "secrets.json");
    console.log(rotateKeyRing(path, change));
    console.error(
      change === "prepare"
        ? `The key is in ${path}. Copy that file to every server's keys/, then run --activate there.`
        : `The key seals from now on. Running servers bring every secret under it. Back up ${path}.`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigFailure)) throw error;
    console.error(`error: ${error.message}`);
    return 2;
  }
}
