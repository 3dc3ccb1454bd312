import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
  type KeyObject,
} from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { canonicalJson } from "@wcs/core/canonical";
import type { ChainHead } from "@wcs/core/audit";
import { readOrCreateKeyFile } from "../state/key-file.ts";

/**
 * Heads of the audit chains at a moment, signed. Servers with one state directory write to one file: `writer` is the process, and each line is bound to
 * that writer's line before by its hash.
 */
type Checkpoint = Readonly<{
  at: string;
  heads: readonly ChainHead[];
  writer: string;
  previous: string;
  key: string;
  signature: string;
}>;

/** What a checkpoint file says, and what is wrong with it, by line. */
export type CheckpointReading = Readonly<{
  count: number;
  lastAt: string | null;
  heads: readonly ChainHead[];
  faults: readonly Readonly<{ line: number; message: string }>[];
}>;

/** A line of a writer, by its hash. */
export type CheckpointEnd = Readonly<{ writer: string; hash: string }>;

/** The file that checkpoints go to; outside the database, best where its administrators can't write. */
export type CheckpointFile = Readonly<{
  /** Returns who wrote, and the hash of the line. */
  append: (at: string, heads: readonly ChainHead[]) => Promise<CheckpointEnd>;
  /** `ends`: lines that must be there. */
  read: (ends: readonly CheckpointEnd[]) => Promise<CheckpointReading>;
}>;

// Earlier heads follow from later ones, since each hash covers what is before it; older lines only narrow down where a chain was rewritten.
const mostHeads = 50_000;
const mostFaults = 100;
const firstPrevious = "0".repeat(64);

/** Opens the file (made on first use) with the Ed25519 key in `keyPath` (made when missing). */
export function openCheckpointFile(path: string, keyPath: string): CheckpointFile {
  const key = createPrivateKey(readOrCreateKeyFile(keyPath, newKey));
  const publicKey = createPublicKey(key);
  const keyId = keyIdOf(publicKey);
  const writer = randomBytes(8).toString("hex");
  let previous = firstPrevious;
  const append = async (at: string, heads: readonly ChainHead[]): Promise<CheckpointEnd> => {
    const body = { at, heads, writer, previous, key: keyId };
    const signature = sign(null, Buffer.from(canonicalJson(body)), key).toString("base64");
    const line = canonicalJson({ ...body, signature });
    const file = await open(path, "a", 0o600);
    try {
      await file.write(`${line}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    previous = hashLine(line);
    return { writer, hash: previous };
  };
  return { append, read: (ends) => readCheckpoints(path, { publicKey, keyId, ends }) };
}

function newKey(): string {
  return generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
}

function keyIdOf(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex")
    .slice(0, 16);
}

const hashLine = (line: string): string => createHash("sha256").update(line).digest("hex");

async function* linesOf(path: string): AsyncGenerator<string, void> {
  if (!existsSync(path)) return;
  yield* createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
}

type Expected = Readonly<{ publicKey: KeyObject; keyId: string; ends: readonly CheckpointEnd[] }>;

async function readCheckpoints(path: string, { publicKey, keyId, ends }: Expected): Promise<CheckpointReading> {
  const missing = new Map(ends.map(({ writer, hash }) => [hash, writer]));
  const heads: ChainHead[] = [];
  const faults: { line: number; message: string }[] = [];
  const lastOf = new Map<string, string>();
  let [count, lastAt, number] = [0, null as string | null, 0];
  for await (const line of linesOf(path)) {
    number += 1;
    if (missing.size > 0) missing.delete(hashLine(line));
    const checkpoint = parse(line);
    const wrong = checkpoint === null ? "is not a checkpoint" : faultOf(checkpoint, { publicKey, keyId, lastOf });
    if (checkpoint !== null) lastOf.set(checkpoint.writer, hashLine(line));
    if (checkpoint === null || wrong !== null) {
      if (faults.length < mostFaults) faults.push({ line: number, message: `checkpoint line ${number} ${wrong}` });
      continue;
    }
    count += 1;
    lastAt = checkpoint.at;
    heads.push(...checkpoint.heads);
    if (heads.length > 2 * mostHeads) heads.splice(0, heads.length - mostHeads);
  }
  for (const writer of missing.values()) {
    const message = `the last lines of writer ${writer} are missing from the checkpoint file`;
    if (faults.length < mostFaults) faults.push({ line: number + 1, message });
  }
  return { count, lastAt, heads, faults };
}

function parse(line: string): Checkpoint | null {
  try {
    const value = JSON.parse(line) as Checkpoint;
    return Array.isArray(value.heads) && typeof value.signature === "string" ? value : null;
  } catch {
    return null;
  }
}

function faultOf(
  checkpoint: Checkpoint,
  expected: Readonly<{ publicKey: KeyObject; keyId: string; lastOf: ReadonlyMap<string, string> }>,
): string | null {
  const { signature, ...body } = checkpoint;
  if (body.key !== expected.keyId) return `is signed by another key, ${body.key}`;
  const isSigned = verify(null, Buffer.from(canonicalJson(body)), expected.publicKey, Buffer.from(signature, "base64"));
  if (!isSigned) return "does not have the signature of this server's key";
  return body.previous === (expected.lastOf.get(body.writer) ?? firstPrevious)
    ? null
    : "does not follow the line before it: a line was removed or moved";
}
