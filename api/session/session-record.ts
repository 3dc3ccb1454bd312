import { createHash } from "node:crypto";
import { canonicalJson } from "@wcs/core/canonical";

/** One entry of a session's record. `data`: base64 for output, error; JSON for the rest. `n` counts from 0; each hash takes in the one before. */
export type RecordEntry = Readonly<{
  n: number;
  at: string;
  kind: "begin" | "output" | "error" | "exit";
  data: string;
  hash: string;
}>;

/** The hash of an entry that follows one with `before`. */
export function entryHash(before: string, { n, at, kind, data }: Omit<RecordEntry, "hash">): string {
  return createHash("sha256")
    .update(`${before}\n${canonicalJson({ n, at, kind, data })}`)
    .digest("hex");
}

/** Reads a record as it comes over HTTP, and holds it to its chain of hashes. Throws when an entry is missing or was changed. */
export async function* readSessionRecord(body: ReadableStream<Uint8Array>): AsyncGenerator<RecordEntry, void> {
  const decoder = new TextDecoder();
  let rest = "";
  let before = "";
  let next = 0;
  for await (const part of body) {
    const lines = (rest + decoder.decode(part, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const entry = JSON.parse(line) as RecordEntry;
      if (entry.n !== next || entry.hash !== entryHash(before, entry)) {
        throw new Error(`the record is not whole: entry ${next} is missing or was changed`);
      }
      before = entry.hash;
      next += 1;
      yield entry;
    }
  }
}
