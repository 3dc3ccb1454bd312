import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigFailure } from "../config/config-failure.ts";
import { newKey, type KeyFile } from "./key-ring.ts";

/** `rotate`: a new key that seals from now on. `prepare`: a new key that only opens. `activate`: the newest key seals from now on. */
export type KeyRingChange = "rotate" | "prepare" | "activate";

/**
 * Changes the key ring's file; older keys stay in it. The file is replaced whole or not at all, so that it may be killed at any moment; running servers
 * read it again by themselves. Returns the id of the newest key. One at a time: throws a ConfigFailure when another is at it.
 */
export function rotateKeyRing(path: string, change: KeyRingChange): string {
  return exclusively(`${path}.lock`, () => {
    const file = readKeyFile(path);
    const [newest = file.current] = Object.keys(file.keys).slice(-1);
    if (change === "activate") {
      if (newest !== file.current) replace(path, { ...file, current: newest });
      return newest;
    }
    const { id, key } = newKey();
    replace(path, { current: change === "rotate" ? id : file.current, keys: { ...file.keys, [id]: key } });
    return id;
  });
}

function readKeyFile(path: string): KeyFile {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as KeyFile;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigFailure(`the key file can't be read (start the server once, or name its state directory): ${why}`, {
      cause: error,
    });
  }
}

function replace(path: string, file: KeyFile): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(file)}\n`, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
  const directory = openSync(dirname(path), "r");
  fsyncSync(directory);
  closeSync(directory);
}

/** Two at once would each keep a key that the other's file has not. A lock whose process was killed is taken over. */
function exclusively<T>(lock: string, work: () => T): T {
  for (let attempt = 0; ; attempt += 1) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx", mode: 0o600 });
      break;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== "EEXIST") {
        throw new ConfigFailure(
          `the key file can't be changed (is the state directory right, and has a server started with it?): ${message}`,
          { cause: error },
        );
      }
      if (attempt > 0 || isHeld(lock)) {
        throw new ConfigFailure(`another rotation is under way (${lock})`, { cause: error });
      }
      rmSync(lock, { force: true });
    }
  }
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function isHeld(lock: string): boolean {
  try {
    const id = Number(readFileSync(lock, "utf8"));
    // Killed between making the file and writing its number: nobody's.
    if (!Number.isInteger(id) || id <= 0) return false;
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
