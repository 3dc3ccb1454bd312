import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const flags = [
  "-std=c11",
  "-O2",
  "-static",
  "-s",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-Wformat=2",
  "-Wconversion",
  "-D_FORTIFY_SOURCE=2",
  "-fstack-protector-strong",
  "-fcf-protection",
  "-Wl,-z,relro,-z,now,-z,noexecstack",
] as const;

/**
 * Compiles a C program with gcc into the cache (`$XDG_CACHE_HOME/wcs` or `~/.cache/wcs`) and returns its path. The file's name
 * holds a hash of the source and the flags, so that it is compiled once a version, and several processes may ask at once.
 */
export async function compileStatic(source: string, definitions: readonly string[] = []): Promise<string> {
  const name = basename(source, ".c");
  const argv = [...flags, ...definitions];
  const hash = createHash("sha256")
    .update(await readFile(source))
    .update(argv.join("\0"));
  const folder = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "wcs", name);
  const binary = join(folder, `${name}-${hash.digest("hex").slice(0, 16)}`);
  const built = await access(binary).then(
    () => true,
    () => false,
  );
  if (built) return binary;
  await mkdir(folder, { recursive: true });
  const draft = `${binary}.${process.pid}`;
  try {
    await run("gcc", [...argv, "-o", draft, source]);
    await rename(draft, binary);
  } catch (error) {
    await rm(draft, { force: true });
    throw new Error(`${name} can't be compiled (is gcc with a static C library installed?): ${String(error)}`, {
      cause: error,
    });
  }
  return binary;
}
