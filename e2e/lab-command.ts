import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../lab/bin/wcs-lab", import.meta.url));

/** Starts `wcs-lab` as a person would. */
export const startLabCommand = (args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess =>
  spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, LANG: "C", LC_ALL: "C", ...env } });

/** Runs `wcs-lab` to its end. `status` is 137 when it was killed. */
export async function labCommand(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = startLabCommand(args, env);
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (piece: Buffer) => (stdout += piece.toString("utf8")));
  child.stderr?.on("data", (piece: Buffer) => (stderr += piece.toString("utf8")));
  const [code] = (await once(child, "close")) as [number | null];
  return { status: code ?? 137, stdout, stderr };
}
