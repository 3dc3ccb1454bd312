import { spawn } from "node:child_process";
import { LabError } from "../state/lab-error.ts";

export type RunOptions = Readonly<{
  /** Written to the program's standard input, which is closed after it. */
  input?: string;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Called with each piece of output as it comes, both streams. */
  onOutput?: (text: string) => void;
  /** When false, the program outlives us (apt must not be cut off in the middle). Default true. */
  endWithUs?: boolean;
}>;

const maxOutputBytes = 64 * 1024 * 1024;

/**
 * Runs a program to its end and returns what it wrote to standard output. A program started here ends when this process
 * dies in any way (PR_SET_PDEATHSIG), so that a killed `up` leaves nobody at work behind it.
 * @throws LabError with the program's own words when it can't start or exits with anything but 0.
 */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await runForStatus(file, args, options);
  if (status !== 0) {
    const words = (stderr.trim() || stdout.trim()).split("\n").slice(-15).join("\n");
    throw new LabError("command_failed", `${[file, ...args].join(" ").slice(0, 300)}: exit ${status}\n${words}`);
  }
  return stdout;
}

/** Like {@link run}, and returns the exit code (128 + n for a signal) instead of throwing. */
export function runForStatus(
  file: string,
  args: readonly string[],
  { input, cwd, env, onOutput, endWithUs = true }: RunOptions = {},
): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const [program, programArgs] = endWithUs ? ["setpriv", ["--pdeathsig", "KILL", file, ...args]] : [file, args];
    const child = spawn(program, programArgs, { cwd, env: env ?? process.env, stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let bytes = 0;
    const keep = (into: Buffer[]) => (piece: Buffer) => {
      bytes += piece.length;
      if (bytes <= maxOutputBytes) into.push(piece);
      onOutput?.(piece.toString("utf8"));
    };
    child.stdout.on("data", keep(out));
    child.stderr.on("data", keep(err));
    child.stdin.on("error", () => {}); // the program may end without reading: its exit code tells
    child.stdin.end(input ?? "");
    child.on("error", (error) => reject(new LabError("command_failed", `${file}: ${error.message}`)));
    child.on("close", (code, signal) => {
      const status = code ?? (signal === null ? 1 : 128 + 9);
      resolve({ status, stdout: Buffer.concat(out).toString("utf8"), stderr: Buffer.concat(err).toString("utf8") });
    });
  });
}
