import { readFileSync, realpathSync } from "node:fs";
import koffi from "koffi";

const MADV_RANDOM = 1;
const MADV_DONTNEED = 4;

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
 * Lets go of the pages of Node's own program that only its start needed, a third of what is resident of it. They are clean pages of a
 * file: the kernel brings back those that are touched again, and with MADV_RANDOM (madvise(2)) not their neighbours with them. Mappings that may be
 * written, or were (relocations), are left alone: there MADV_DONTNEED would lose what was written.
 */
export function letGoOfProgram(): void {
  const program = realpathSync(process.execPath);
  const libc = koffi.load("libc.so.6");
  const madvise = libc.func("int madvise(uintptr_t, size_t, int)") as (
    at: bigint,
    bytes: bigint,
    what: number,
  ) => number;
  for (const { from, bytes, rights, file, dirtyKiB } of readMappings()) {
    if (file !== program || rights.includes("w") || dirtyKiB > 0) continue;
    for (const advice of [MADV_RANDOM, MADV_DONTNEED]) {
      if (madvise(from, bytes, advice) === -1) throw new Error(`madvise(2): errno ${koffi.errno()}`);
    }
  }
}
