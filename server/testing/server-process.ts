import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A server as a process of its own, to be killed. */
export type ServerProcess = Readonly<{
  url: string;
  /** The first administrator's token, if this start has made one. */
  token: string | null;
  /** kill -9. */
  kill: () => Promise<void>;
  stop: () => Promise<void>;
}>;

/** Starts a server on a state directory with the embedded PostgreSQL, which several servers of one directory share. */
export async function startServerProcess(stateDirectory: string): Promise<ServerProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "../program/main.ts")], {
    env: {
      PATH: process.env["PATH"],
      WCS_LISTEN: "127.0.0.1:0",
      WCS_STATE_DIR: stateDirectory,
      WCS_LOG_LEVEL: "silent",
      WCS_LEASE_MS: "3000",
      WCS_REQUESTS_PER_MINUTE: "1000000",
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (part: Buffer) => (said += part.toString()));
  const end = async (signal: "SIGKILL" | "SIGTERM"): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  };
  const listens = /WCS listens on (http:\S+)/;
  for (let waitedMs = 0; !listens.test(said); waitedMs += 20) {
    if (waitedMs > 60_000 || child.exitCode !== null) {
      await end("SIGKILL");
      throw new Error(`the server did not start: ${said}`);
    }
    await sleep(20);
  }
  return {
    url: listens.exec(said)?.[1] ?? "",
    token: /wcs_[0-9a-f]{20}_[A-Za-z0-9_-]{43}/.exec(said)?.[0] ?? null,
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
  };
}
