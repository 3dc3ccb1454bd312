import { closeSync, existsSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Reads a file of secrets, or makes it with `create`'s text, 0600. Two servers that start together agree on one: the text is written to a
 * file of its own, which is then linked to the name, and a link never replaces.
 */
export function readOrCreateKeyFile(path: string, create: () => string): string {
  if (!existsSync(path)) {
    const own = `${path}.${process.pid}`;
    const file = openSync(own, "w", 0o600);
    try {
      writeSync(file, create());
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    try {
      linkSync(own, path);
      syncDirectory(dirname(path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      rmSync(own);
    }
  }
  return readFileSync(path, "utf8");
}

function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  fsyncSync(directory);
  closeSync(directory);
}
