import { spawn } from "node:child_process";
import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";

/** The folder of the checkout. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** `12.3 s` or `4 min 05 s`. */
export function formatDuration(durationMs: number): string {
  const seconds = durationMs / 1000;
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes} min ${String(Math.round(seconds - minutes * 60)).padStart(2, "0")} s`;
}

/** Says what starts and how long it took, so that a person who waits knows what for. */
export async function step<T>(title: string, run: () => Promise<T>): Promise<T> {
  process.stdout.write(`==> ${title}\n`);
  const started = performance.now();
  const result = await run();
  process.stdout.write(`    ${title}: ${formatDuration(performance.now() - started)}\n`);
  return result;
}

/** Runs a program of the checkout with its output shown; true when it exits with 0. */
export async function runProgram(file: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(file, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  const [code] = await once(child, "exit");
  return code === 0;
}
