import { readFileSync } from "node:fs";

/** A process that can't be mistaken for a later one with the same number. `startTime` is in clock ticks since boot. */
export type ProcessId = Readonly<{ pid: number; startTime: string }>;

/** Field 22 of /proc/PID/stat (proc(5)), or null when there is no such process or only its corpse. */
export function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? null : (fields[19] ?? null);
  } catch {
    return null; // not there, or gone while we read
  }
}

/** What launch.sh wrote, when that very process still runs; else null. */
export function readProcessId(file: string): ProcessId | null {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return null;
  }
  const [pid, startTime] = text.trim().split(" ");
  if (pid === undefined || startTime === undefined || !/^\d+$/.test(pid)) return null;
  return startTimeOf(Number(pid)) === startTime ? { pid: Number(pid), startTime } : null;
}

/** Signals the process unless it has ended. */
export function signal({ pid, startTime }: ProcessId, name: NodeJS.Signals): void {
  if (startTimeOf(pid) !== startTime) return;
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
