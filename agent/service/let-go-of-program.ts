import { readFileSync, realpathSync } from "node:fs";
import koffi from "koffi";

const MADV_DONTNEED = 4;
const everyMs = 15_000;

/** One mapping of /proc/PID/smaps (proc_pid_smaps(5)). */
type Mapping = Readonly<{ from: bigint; bytes: bigint; rights: string; file: string; dirtyKiB: number }>;

function readMappings(): readonly Mapping[] {
  const blocks = readFileSync("/proc/self/smaps", "utf8").split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return blocks.flatMap((block) => {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+ *(.*)$/m.exec(block);
    if (head === null) return [];
    const [from, to] = [BigInt(`0x${head[1]}`), BigInt(`0x${head[2]}`)];
    const dirtyKiB = Number(/^Private_Dirty: +(\d+) kB$/m.exec(block)?.[1] ?? 1);
    return [{ from, bytes: to - from, rights: head[3] ?? "", file: head[4] ?? "", dirtyKiB }];
  });
}

/**
 * Lets go of the pages of Node's own program that are not in use, now and every 15 s: most of what is resident of it only its start needed.
 * They are clean pages of a file, so that the kernel brings back those that are touched again, at some microseconds for sixteen of them. Mappings that
 * may be written, or were (relocations), are left alone: there MADV_DONTNEED (madvise(2)) would lose what was written. Returns what ends it.
 */
export function letGoOfProgram(): () => void {
  const program = realpathSync(process.execPath);
  const libc = koffi.load("libc.so.6");
  const madvise = libc.func("int madvise(uintptr_t, size_t, int)") as (
    at: bigint,
    bytes: bigint,
    what: number,
  ) => number;
  const clean = readMappings().filter(
    ({ file, rights, dirtyKiB }) => file === program && !rights.includes("w") && dirtyKiB === 0,
  );
  const letGo = () => {
    for (const { from, bytes } of clean) madvise(from, bytes, MADV_DONTNEED);
  };
  letGo();
  const timer = setInterval(letGo, everyMs);
  return () => clearInterval(timer);
}
