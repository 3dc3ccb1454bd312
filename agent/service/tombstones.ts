import { mkdirSync, watch } from "node:fs";
import { open, readdir, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { RawCall } from "../verbs/cni-call.ts";
import type { Answer } from "./answer-call.ts";
import { readFrame } from "./frame.ts";

/** How often the folder is looked through besides the kernel's own word: inotify queues can overflow. */
const lookEveryMs = 5_000;

/**
 * Replays DELs that came while the agent was away. A file is taken away only when its DEL has succeeded; one that can't be
 * read as a call is put aside, for a person to look at.
 */
export async function startTombstoneReplay(
  options: Readonly<{
    folder: string;
    answer: (call: RawCall) => Promise<Answer>;
    log: (line: string) => void;
  }>,
): Promise<{ replayed: () => number; close: () => Promise<void> }> {
  const { folder, answer, log } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let count = 0;
  let running: Promise<void> | null = null;
  let again = false;

  async function replay(name: string): Promise<void> {
    const path = join(folder, name);
    let call: RawCall | null = null;
    try {
      call = readFrame(await readFile(path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      log(`tombstone ${name}: ${String(error)}`);
    }
    if (call === null || call.command !== "DEL") {
      log(`tombstone ${name} is no DEL; kept as ${name}.bad`);
      await rename(path, `${path}.bad`);
      return;
    }
    const { exitCode, text } = await answer(call);
    if (exitCode !== 0) {
      log(`tombstone ${name}: ${text.trim()}; tried again later`);
      return;
    }
    await unlink(path);
    count += 1;
  }

  async function replayAll(): Promise<void> {
    do {
      again = false;
      const names = (await readdir(folder)).filter((name) => name.endsWith(".del") && !name.startsWith("."));
      for (const name of names.sort()) await replay(name);
      if (names.length > 0) await syncFolder(folder);
    } while (again);
  }

  const look = (): Promise<void> => {
    again = true;
    running ??= replayAll()
      .catch((error: unknown) => log(`tombstones: ${String(error)}`))
      .finally(() => {
        running = null;
      });
    return running;
  };
  await look();
  const watcher = watch(folder, () => void look());
  watcher.on("error", (error) => log(`tombstones: ${String(error)}`));
  const timer = setInterval(() => void look(), lookEveryMs);
  return {
    replayed: () => count,
    close: async () => {
      watcher.close();
      clearInterval(timer);
      await (running ?? Promise.resolve());
    },
  };
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
