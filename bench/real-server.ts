import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const root = join(import.meta.dirname, "..");

/** The real server as a process of its own, with its embedded PostgreSQL. */
export type RealServer = Readonly<{
  /** The first administrator's, or the known one. */
  token: string;
  url: string;
  memoryMiB: (field: "VmRSS" | "VmHWM") => number;
  /** Processor time that the server has used, in seconds; that of its PostgreSQL is not in it. */
  processorSeconds: () => number;
  stop: () => Promise<void>;
  /** Kills it at once (SIGKILL). */
  kill: () => Promise<void>;
}>;

/** Starts the server on a state directory, durable as in production. `token` and `listen`: those of an earlier start on it. */
export async function startRealServer(state: string, token = "", listen = "127.0.0.1:0"): Promise<RealServer> {
  const child = spawn(join(root, "cli/bin/wcs"), ["server"], {
    env: {
      ...process.env,
      WCS_STATE_DIR: state,
      WCS_LISTEN: listen,
      WCS_LOG_LEVEL: "warn",
      WCS_REQUESTS_PER_MINUTE: "10000000",
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (part: Buffer) => (said += part.toString()));
  const listens = /WCS listens on (http:\S+)/;
  while (!listens.test(said)) {
    if (child.exitCode !== null) throw new Error(said);
    await sleep(50);
  }
  return {
    token: /wcs_[0-9a-f]{20}_[A-Za-z0-9_-]{43}/.exec(said)?.[0] ?? token,
    url: listens.exec(said)?.[1] ?? "",
    memoryMiB: (field) => {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      return Number(new RegExp(`${field}:\\s+([0-9]+) kB`).exec(status)?.[1]) / 1024;
    },
    processorSeconds: () => {
      // Fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms.
      const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
    stop: async () => {
      if (child.exitCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}
