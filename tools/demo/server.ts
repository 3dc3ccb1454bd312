import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { machineAddress } from "@wcs/lab";
import { root } from "../step.ts";

/** Where the demo's server keeps its database, keys, log and token. */
const demoFolder = "/var/lib/wcs-demo";
export const demoUrl = "http://127.0.0.1:8080";
export const demoTokenFile = join(demoFolder, "first-administrator.token");
export const personTokenFile = (person: string) => join(demoFolder, `${person}.token`);
/** Where the agents of the lab's hosts look for a server (agent/lab-provider.ts). */
const agentsPort = 8443;
const logFile = join(demoFolder, "server.log");
const pidFile = join(demoFolder, "server.pid");

/** Whether a lab is up on this machine, or half up. */
export function isLabUp(): boolean {
  const status = spawnSync(join(root, "node_modules/.bin/wcs-lab"), ["status", "-o", "json"], { encoding: "utf8" });
  if (status.status !== 0) throw new Error(`wcs-lab status: exit ${status.status}\n${status.stderr}`);
  return (JSON.parse(status.stdout) as { phase: string }).phase !== "down";
}

/** The demo's server process, told from a later process with the same number by its start time; null when it is gone. */
function runningServer(): number | null {
  if (!existsSync(pidFile)) return null;
  const [pid, startTime] = readFileSync(pidFile, "utf8").trim().split(" ");
  return pid !== undefined && startTimeOf(Number(pid)) === startTime ? Number(pid) : null;
}

/** Field 22 of /proc/PID/stat (proc_pid_stat(5)), in clock ticks since boot. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/** Starts the server in the background unless it runs, and keeps the first administrator's token in a file that only root reads. */
export async function startDemoServer(): Promise<void> {
  if (runningServer() === null) {
    if (await answers()) throw new Error(`${demoUrl} is taken by another program: stop it, then run this again`);
    mkdirSync(demoFolder, { recursive: true, mode: 0o711 });
    const log = openSync(logFile, "a", 0o600);
    const child = spawn(join(root, "node_modules/.bin/wcs"), ["server"], {
      cwd: "/",
      detached: true,
      stdio: ["ignore", log, log],
      env: {
        ...process.env,
        WCS_STATE_DIR: join(demoFolder, "state"),
        WCS_AGENT_LISTEN: `${machineAddress()}:${agentsPort}`,
      },
    });
    closeSync(log);
    if (child.pid === undefined) throw new Error("the server could not be started");
    writeFileSync(pidFile, `${child.pid} ${startTimeOf(child.pid) ?? ""}\n`);
    child.unref();
  }
  for (let waitedMs = 0; !(await answers()); waitedMs += 100) {
    if (runningServer() === null) throw new Error(`the server ended; its log: ${logFile}`);
    if (waitedMs > 60_000) throw new Error(`the server is not ready after a minute; its log: ${logFile}`);
    await sleep(100);
  }
  if (existsSync(demoTokenFile)) return;
  const token = /first administrator's token[^\n]*\n\s+(\S+)/.exec(readFileSync(logFile, "utf8"))?.[1];
  if (token === undefined) throw new Error(`${logFile} does not hold the first administrator's token`);
  writeFileSync(demoTokenFile, `${token}\n`, { mode: 0o600 });
}

/** Stops the server and removes all that it kept. */
export async function removeDemoServer(): Promise<void> {
  const pid = runningServer();
  if (pid !== null) process.kill(pid, "SIGTERM");
  for (let waitedMs = 0; runningServer() !== null; waitedMs += 100) {
    if (waitedMs > 30_000) throw new Error(`the server (process ${pid}) does not stop`);
    await sleep(100);
  }
  rmSync(demoFolder, { recursive: true, force: true });
}

async function answers(): Promise<boolean> {
  try {
    return (await fetch(`${demoUrl}/readyz`, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false; // nothing listens yet
  }
}
