import { crc32 } from "node:zlib";
import type { Attachment } from "../attachment.ts";

/** One line of the journal. `key` is an attachment's key. */
export type JournalRecord =
  | Readonly<{ op: "adding"; attachment: Attachment }>
  | Readonly<{ op: "present"; key: string }>
  | Readonly<{ op: "removed"; key: string }>
  /** Where the round of dynamic addresses stands (written when the journal is compacted). */
  | Readonly<{ op: "lastDynamic"; address: string }>
  /** Which report of the host to the server was the last. */
  | Readonly<{ op: "sequence"; sequence: number }>;

/** A line: eight hex digits of CRC-32, a blank, JSON. */
export function encodeRecord(record: JournalRecord): string {
  const json = JSON.stringify(record);
  return `${crc32(json).toString(16).padStart(8, "0")} ${json}\n`;
}

function decodeLine(line: string): JournalRecord | null {
  const json = line.slice(9);
  if (line[8] !== " " || crc32(json).toString(16).padStart(8, "0") !== line.slice(0, 8)) return null;
  return JSON.parse(json) as JournalRecord;
}

/**
 * Reads a journal. `goodBytes` is where the last whole line ends: what follows is a write that a crash cut off, which nobody
 * was told of, so it is dropped. `damaged` counts lines before that whose sum is wrong: a fault of the disk, which is
 * reported; the kernel's own links tell what they held.
 */
export function decodeJournal(bytes: Buffer): { records: JournalRecord[]; goodBytes: number; damaged: number } {
  const records: JournalRecord[] = [];
  let damaged = 0;
  let pendingDamage = 0;
  let goodBytes = 0;
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0x0a, start);
    if (end === -1) break;
    const record = decodeLine(bytes.toString("utf8", start, end));
    if (record === null) pendingDamage += 1;
    else {
      records.push(record);
      damaged += pendingDamage;
      pendingDamage = 0;
      goodBytes = end + 1;
    }
    start = end + 1;
  }
  return { records, goodBytes, damaged };
}
