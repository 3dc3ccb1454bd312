import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { compileStatic } from "@wcs/cni";

const run = promisify(execFile);

/** Compiles `wcs-cage` and returns its path. */
export const buildCage = (): Promise<string> => compileStatic(fileURLToPath(new URL("./wcs-cage.c", import.meta.url)));

/** The version of Landlock that this kernel has; 0: none, and no session can be caged. */
export async function probeLandlock(cageProgram: string): Promise<number> {
  const { stdout } = await run(cageProgram, ["--probe"], { timeout: 5_000 });
  return (JSON.parse(stdout) as { landlock: number }).landlock;
}
