import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { LabError } from "../state/lab-error.ts";
import { labDir, netnsFile, runDir } from "../state/paths.ts";
import { cgroupProcsFiles, makeCgroup, processesIn } from "./cgroup.ts";
import { readProcessId, signal, startTimeOf, type ProcessId } from "./process-id.ts";
import { waitFor } from "./wait.ts";

/** A long-running program of the lab. `name` is what `wcs-lab logs` takes: `OWNER/PROGRAM`, such as `idc1-h1/kubelet`. */
export type Daemon = Readonly<{
  name: string;
  /** The network namespace that it runs in. */
  netns: string;
  /** When set, the namespaces (network, mounts, host name) of this process are entered instead. */
  inside?: ProcessId;
  argv: readonly [string, ...string[]];
  logFile: string;
  env?: Readonly<Record<string, string>>;
}>;

const pidFile = (name: string) => join(runDir, "pids", name);

/** The running process of that daemon, or null. */
export const daemonProcess = (name: string) => readProcessId(pidFile(name));

/** Starts the daemon unless it runs. Returns once it is in its cgroup and noted. */
export async function startDaemon(daemon: Daemon): Promise<ProcessId> {
  const running = daemonProcess(daemon.name);
  if (running !== null) return running;
  makeCgroup(daemon.name);
  mkdirSync(dirname(pidFile(daemon.name)), { recursive: true });
  mkdirSync(dirname(daemon.logFile), { recursive: true });
  rmSync(pidFile(daemon.name), { force: true });
  const enter =
    daemon.inside === undefined
      ? [`--net=${netnsFile(daemon.netns)}`]
      : [`--target=${daemon.inside.pid}`, "--net", "--mount", "--uts", "--wd=/"];
  const child = spawn(
    "sh",
    [
      join(labDir, "process/launch.sh"),
      pidFile(daemon.name),
      daemon.logFile,
      ...cgroupProcsFiles(daemon.name),
      "--",
      "nsenter",
      ...enter,
      "--",
      ...daemon.argv,
    ],
    {
      cwd: "/",
      detached: true,
      stdio: "ignore",
      env: {
        PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        HOME: "/root",
        WCS_LAB: daemon.name,
        ...daemon.env,
      },
    },
  );
  await once(child, "spawn");
  child.unref();
  return waitFor(() => daemonProcess(daemon.name), {
    what: `start of ${daemon.name}`,
    timeoutMs: 10_000,
    intervalMs: 5,
    why: () => lastLines(daemon.logFile),
  });
}

/** @throws LabError when the daemon has ended: with the end of its log. */
export function assertRunning(daemon: Daemon): void {
  if (daemonProcess(daemon.name) !== null) return;
  throw new LabError(
    "command_failed",
    `${daemon.name} has ended. The end of ${daemon.logFile}:\n${lastLines(daemon.logFile)}`,
  );
}

/** Asks the daemon to end, waits, and kills it when it does not. */
export async function stopDaemon(name: string, graceMs = 5000): Promise<void> {
  const running = daemonProcess(name);
  if (running === null) return;
  signal(running, "SIGTERM");
  signal(running, "SIGCONT"); // one that was paused by a fault would never see it
  const deadline = performance.now() + graceMs;
  while (startTimeOf(running.pid) === running.startTime && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  signal(running, "SIGKILL");
  await waitFor(() => startTimeOf(running.pid) !== running.startTime, { what: `end of ${name}`, timeoutMs: 5000 });
}

/** Kills every process in the lab's cgroup of that name and below, until none is left. */
export async function killAllIn(name: string): Promise<void> {
  await waitFor(
    () => {
      const pids = processesIn(name);
      for (const pid of pids) {
        try {
          process.kill(pid, "SIGKILL");
        } catch (error) {
          if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
        }
      }
      return pids.length === 0;
    },
    { what: `end of the processes in cgroup ${name || "/"}`, timeoutMs: 20_000, intervalMs: 20 },
  );
}

/** Names of the daemons that were ever started since `up`, whether they still run or not. */
export function startedDaemons(): string[] {
  const top = join(runDir, "pids");
  if (!existsSync(top)) return [];
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".new"))
    .map((entry) => join(entry.parentPath, entry.name).slice(top.length + 1))
    .sort();
}

function lastLines(file: string): string {
  if (!existsSync(file)) return "(no log)";
  return readFileSync(file, "utf8").trimEnd().split("\n").slice(-8).join("\n");
}
