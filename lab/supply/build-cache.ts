import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { cacheDir } from "../state/paths.ts";

/** A key that changes with any of the files or words. */
export function contentKey(files: readonly string[], words: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(basename(file)).update("\0").update(readFileSync(file)).update("\0");
  for (const word of words) hash.update(word).update("\0");
  return hash.digest("hex").slice(0, 20);
}

/**
 * The folder `NAME-KEY` of the cache; when it isn't there, `build` fills a folder of its own, which then takes its place
 * in one rename. Of several builders at once the first to finish wins and the others' work is dropped; a builder that is
 * killed leaves a folder that the next one removes after a day.
 */
export async function cached(name: string, key: string, build: (folder: string) => Promise<void>): Promise<string> {
  const final = join(cacheDir(), `${name}-${key}`);
  if (existsSync(final)) return final;
  mkdirSync(cacheDir(), { recursive: true });
  for (const left of readdirSync(cacheDir()).filter((entry) => entry.startsWith(".build-"))) {
    const path = join(cacheDir(), left);
    if (Date.now() - statSync(path).mtimeMs > 24 * 3600 * 1000) rmSync(path, { recursive: true, force: true });
  }
  const work = join(cacheDir(), `.build-${name}-${randomBytes(6).toString("hex")}`);
  mkdirSync(work);
  try {
    await build(work);
    renameSync(work, final);
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    if (!existsSync(final)) throw error;
  }
  return final;
}
