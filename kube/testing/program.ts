import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";

/** A program that a test runs, with its output in a file. */
export type Program = Readonly<{
  pid: number;
  running: () => boolean;
  kill: (signal: NodeJS.Signals) => Promise<void>;
}>;

/** Starts a program; it ends with this process, however that ends. */
export function startProgram(file: string, args: readonly string[], logPath: string): Program {
  const log = openSync(logPath, "a");
  const child: ChildProcess = spawn(file, args, { stdio: ["ignore", log, log] });
  closeSync(log);
  // A spawn that failed is told by the health check, which reads the log; without a listener it would be a crash.
  child.on("error", () => undefined);
  const atExit = () => child.kill("SIGKILL");
  process.once("exit", atExit);
  const running = () => child.exitCode === null && child.signalCode === null && child.pid !== undefined;
  return {
    pid: child.pid ?? -1,
    running,
    kill: async (signal) => {
      if (!running()) return;
      const gone = once(child, "exit");
      child.kill(signal);
      if (signal === "SIGSTOP" || signal === "SIGCONT") return;
      await gone;
      process.removeListener("exit", atExit);
    },
  };
}

/** Asks until `check` is true. Throws with the end of the log when the program is gone or the time is over. */
export async function waitUntilHealthy(
  program: Program,
  options: Readonly<{ check: () => Promise<boolean>; logPath: string; timeoutMs: number }>,
): Promise<void> {
  const endMs = Date.now() + options.timeoutMs;
  while (!(await options.check())) {
    if (!program.running() || Date.now() > endMs) {
      const tail = readFileSync(options.logPath, "utf8").slice(-2_000);
      throw new Error(`${program.running() ? "not healthy in time" : "it ended"}; its log:\n${tail}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Free TCP ports on loopback. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(async (server) => once(server.close(), "close")));
  return ports;
}
