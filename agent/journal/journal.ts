import { constants, mkdirSync } from "node:fs";
import { open, readFile, rename, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { attachmentKey, ipOf, type Attachment } from "../attachment.ts";
import { decodeJournal, encodeRecord, type JournalRecord } from "./record.ts";

/** An attachment with how far its ADD came. */
export type JournalEntry = Readonly<{ attachment: Attachment; phase: "adding" | "present" }>;

/** What the journal says, kept in memory. A record is here at once; `append` resolves when it is on the disk. */
export type Journal = Readonly<{
  entries: ReadonlyMap<string, JournalEntry>;
  /** Who holds an address: an attachment's key. */
  ownerOf: (ip: string) => string | undefined;
  heldAddresses: () => ReadonlySet<string>;
  lastDynamic: () => string | null;
  /** Rejects with a `JournalError` when the record could not be made durable; it is then undone in memory too. */
  append: (record: JournalRecord) => Promise<void>;
  /** Why the last write failed; null when it did not. */
  failure: () => string | null;
  /** Whole lines that were unreadable when the journal was opened. */
  damaged: number;
  nextSequence: () => Promise<number>;
  /** `listener` is called after every change of what is held. */
  onChange: (listener: () => void) => void;
  sizeBytes: () => number;
  close: () => Promise<void>;
}>;

/** The journal's disk is full, or failed. */
export class JournalError extends Error {
  constructor(cause: unknown) {
    super(`the journal can't be written: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = "JournalError";
  }
}

type Waiting = { record: JournalRecord; resolve: () => void; reject: (error: JournalError) => void };
type State = {
  entries: Map<string, JournalEntry>;
  owners: Map<string, string>;
  lastDynamic: string | null;
  sequence: number;
};

const fileName = "journal";
/** O_DSYNC: a write returns when it is on the disk, which saves a second trip to the thread pool for fdatasync(2). */
const appendDurably = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_DSYNC;
const compactAboveBytes = 256 * 1024;

/** Makes a folder's entries durable: a new or renamed file is lost with the folder otherwise (fsync(2)). */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function applyRecord(state: State, record: JournalRecord): void {
  if (record.op === "lastDynamic") state.lastDynamic = record.address;
  else if (record.op === "sequence") state.sequence = record.sequence;
  else if (record.op === "adding") {
    const { attachment } = record;
    const key = attachmentKey(attachment);
    state.entries.set(key, { attachment, phase: "adding" });
    for (const nic of attachment.nics) state.owners.set(ipOf(nic), key);
    if (attachment.instance === null) state.lastDynamic = attachment.nics[0] ? ipOf(attachment.nics[0]) : null;
  } else if (record.op === "present") {
    const entry = state.entries.get(record.key);
    if (entry) state.entries.set(record.key, { ...entry, phase: "present" });
  } else {
    const entry = state.entries.get(record.key);
    state.entries.delete(record.key);
    for (const nic of entry?.attachment.nics ?? []) {
      if (state.owners.get(ipOf(nic)) === record.key) state.owners.delete(ipOf(nic));
    }
  }
}

function snapshot(state: State): string {
  const lines = [encodeRecord({ op: "sequence", sequence: state.sequence })];
  for (const [key, { attachment, phase }] of state.entries) {
    lines.push(encodeRecord({ op: "adding", attachment }));
    if (phase === "present") lines.push(encodeRecord({ op: "present", key }));
  }
  if (state.lastDynamic !== null) lines.push(encodeRecord({ op: "lastDynamic", address: state.lastDynamic }));
  return lines.join("");
}

/** Opens or makes the journal of a folder. What a crash cut off at its end is dropped. */
export async function openJournal(folder: string): Promise<Journal> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, fileName);
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return Buffer.alloc(0);
    throw error;
  });
  const { records, goodBytes, damaged } = decodeJournal(bytes);
  const state: State = { entries: new Map(), owners: new Map(), lastDynamic: null, sequence: 0 };
  for (const record of records) applyRecord(state, record);

  let file: FileHandle = await open(path, appendDurably, 0o600);
  let size = goodBytes;
  let failure: string | null = null;
  if (bytes.length > goodBytes) await file.truncate(goodBytes);
  await file.sync();
  await syncFolder(folder);

  const listeners: (() => void)[] = [];
  let waiting: Waiting[] = [];
  let writing: Promise<void> | null = null;

  /** All that waits goes to the disk in one write and one sync. */
  async function writeBatch(batch: Waiting[]): Promise<void> {
    const data = Buffer.from(batch.map(({ record }) => encodeRecord(record)).join(""));
    try {
      let written = 0;
      while (written < data.length) written += (await file.write(data, written)).bytesWritten;
      size += data.length;
      failure = null;
      for (const { resolve } of batch) resolve();
    } catch (error) {
      const problem = new JournalError(error);
      failure = problem.message;
      // A part of a line must not stand before the next one. If this fails too, opening drops it, since it ends the file.
      await file.truncate(size).catch(() => undefined);
      for (const { record } of batch) if (record.op === "adding") forget(record);
      for (const { reject } of batch) reject(problem);
    }
  }

  function forget(record: Extract<JournalRecord, { op: "adding" }>): void {
    applyRecord(state, { op: "removed", key: attachmentKey(record.attachment) });
  }

  async function compact(): Promise<void> {
    const text = snapshot(state);
    if (size < compactAboveBytes || size < 4 * text.length) return;
    const draft = `${path}.new`;
    try {
      const next = await open(draft, "w", 0o600);
      await next.writeFile(text);
      await next.sync();
      await next.close();
      await rename(draft, path);
      await syncFolder(folder);
      await file.close();
      file = await open(path, appendDurably, 0o600);
      size = Buffer.byteLength(text);
    } catch (error) {
      // The long journal is as good as the short one; the next write tries again.
      failure = new JournalError(error).message;
    }
  }

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await writeBatch(batch);
      if (waiting.length === 0) await compact();
    }
    writing = null;
  }

  function append(record: JournalRecord): Promise<void> {
    applyRecord(state, record);
    if (record.op !== "sequence") for (const listener of listeners) listener();
    return new Promise((resolve, reject) => {
      waiting.push({ record, resolve, reject });
      writing ??= Promise.resolve().then(writeAll);
    });
  }

  return {
    entries: state.entries,
    ownerOf: (ip) => state.owners.get(ip),
    heldAddresses: () => new Set(state.owners.keys()),
    lastDynamic: () => state.lastDynamic,
    append,
    failure: () => failure,
    damaged,
    nextSequence: async () => {
      const sequence = state.sequence + 1;
      await append({ op: "sequence", sequence });
      return sequence;
    },
    onChange: (listener) => void listeners.push(listener),
    sizeBytes: () => size,
    close: async () => {
      await (writing ?? Promise.resolve());
      await file.close();
    },
  };
}
