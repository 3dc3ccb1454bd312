import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { entryHash, type RecordEntry } from "@wcs/api/session";

/** A session's record while it is written. */
export type RecordWriter = Readonly<{
  /**
   * Appends an entry; resolves when it is durable. While the disk refuses (it is full), it tries again until it can or the signal fires, and nothing
   * that came after is taken either: so a session whose record can't be written stands still.
   */
  append: (kind: RecordEntry["kind"], data: string) => Promise<void>;
  /** How many bytes are durable. */
  durableBytes: () => number;
  /** Resolves when more is durable, or the record is closed; at once when it is closed already. */
  moved: () => Promise<void>;
  isClosed: () => boolean;
  close: () => Promise<Readonly<{ hash: string; bytes: number }>>;
}>;

export type RecordOptions = Readonly<{
  path: string;
  signal: AbortSignal;
  now: () => Date;
  /** Told of each write that failed. */
  onFailure: (error: unknown) => void;
}>;

const retryMs = 1_000;

/** Makes a session's record; a file that is there already is an error. Entries that wait together are made durable together. */
export async function openRecord({ path, signal, now, onFailure }: RecordOptions): Promise<RecordWriter> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, "wx", 0o600);
  // The file's name must be as durable as what is in it.
  const folder = await open(dirname(path));
  await folder.sync();
  await folder.close();
  let count = 0;
  let hash = "";
  let durable = 0;
  let closed = false;
  let waiting: string[] = [];
  let moved = Promise.withResolvers<void>();
  let writing: Promise<void> | null = null;

  const writeWaiting = async (): Promise<void> => {
    const bytes = Buffer.from(waiting.join(""));
    waiting = [];
    for (;;) {
      try {
        // Always from the last durable byte: what a failed try left behind is written over.
        for (let at = 0; at < bytes.length;) {
          at += (await file.write(bytes, at, bytes.length - at, durable + at)).bytesWritten;
        }
        await file.datasync();
        break;
      } catch (error) {
        onFailure(error);
        if (signal.aborted) throw error;
        await sleep(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
    durable += bytes.length;
    moved.resolve();
    moved = Promise.withResolvers();
  };
  const flush = async (): Promise<void> => {
    // Who comes while a write is under way waits for the next one, with all the others who did.
    await writing;
    if (waiting.length === 0) return writing ?? undefined;
    writing ??= writeWaiting().finally(() => {
      writing = null;
    });
    await writing;
  };

  return {
    append: async (kind, data) => {
      const entry = { n: count, at: now().toISOString(), kind, data };
      hash = entryHash(hash, entry);
      count += 1;
      waiting.push(`${JSON.stringify({ ...entry, hash })}\n`);
      await flush();
    },
    durableBytes: () => durable,
    moved: () => moved.promise,
    isClosed: () => closed,
    close: async () => {
      await writing;
      closed = true;
      await file.close();
      moved.resolve();
      return { hash, bytes: durable };
    },
  };
}
