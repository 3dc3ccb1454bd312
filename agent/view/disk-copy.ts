import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { PodFacts, ViewContent } from "./host-view.ts";

const fileName = "pods.json";

/** Reads the copy of a view; null when there is none that can be read. */
export async function readDiskCopy(folder: string): Promise<ViewContent | null> {
  let text: string;
  try {
    text = await readFile(join(folder, fileName), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  return parseViewContent(text);
}

/** Reads `{"pods":[…],"grant":…,"fence":…}`; null when it is something else. */
export function parseViewContent(text: string): ViewContent | null {
  try {
    const read = JSON.parse(text) as Partial<ViewContent>;
    const isFacts = (pod: Partial<PodFacts>) =>
      [pod.namespace, pod.name, pod.uid].every((value) => typeof value === "string");
    if (!Array.isArray(read.pods) || !(read.pods as Partial<PodFacts>[]).every(isFacts)) return null;
    return {
      pods: (read.pods as PodFacts[]).map((pod) => ({
        ...pod,
        network: pod.network ?? null,
        logFolder: pod.logFolder ?? null,
        configHash: pod.configHash ?? null,
        ended: pod.ended ?? false,
      })),
      grant: read.grant ?? null,
      fence: read.fence ?? null,
    };
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Writes the copy whole or not at all. */
async function writeDiskCopy(folder: string, content: ViewContent): Promise<void> {
  const path = join(folder, fileName);
  const draft = `${path}.new`;
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(JSON.stringify(content));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  const directory = await open(folder, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * Keeps the copy up to date: one write at a time, at most one every `everyMs`. A failed write (a full disk) is told to
 * `onFailure` and tried again with the next change.
 */
export function createDiskCopy(
  options: Readonly<{
    folder: string;
    content: () => ViewContent;
    everyMs: number;
    onFailure: (error: unknown) => void;
  }>,
): { changed: () => void; close: () => Promise<void> } {
  let timer: NodeJS.Timeout | null = null;
  let writing = Promise.resolve();
  const write = () => {
    timer = null;
    writing = writing.then(() => writeDiskCopy(options.folder, options.content())).catch(options.onFailure);
  };
  return {
    changed: () => {
      timer ??= setTimeout(write, options.everyMs);
    },
    close: async () => {
      if (timer !== null) {
        clearTimeout(timer);
        write();
      }
      await writing;
    },
  };
}
