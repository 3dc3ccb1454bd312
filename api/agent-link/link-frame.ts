import type { Readable } from "node:stream";
import { LinkError } from "./link-error.ts";

const headBytes = 4;

/** JSON with its length before it (32 bits, big-endian): what goes ahead of a stream's bytes in each direction. */
export function writePreamble(value: unknown, most: number): Buffer {
  const text = Buffer.from(JSON.stringify(value));
  if (text.length > most) throw new LinkError("link.too-large", `${text.length} bytes are more than ${most}`);
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(text.length);
  return Buffer.concat([head, text]);
}

/** Reads a preamble; what comes after it stays in the stream. Throws a LinkError when it is too long, no JSON, or not whole. */
export async function readPreamble(stream: Readable, most: number): Promise<unknown> {
  const length = (await readExactly(stream, headBytes)).readUInt32BE();
  if (length > most) throw new LinkError("link.too-large", `${length} bytes are more than ${most}`);
  return parse(await readExactly(stream, length));
}

/** Reads a stream to its end as JSON of at most `most` bytes; leaves it open, so that it can be answered. */
export async function readJson(stream: Readable, most: number): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of stream.iterator({ destroyOnReturn: false })) {
    size += (part as Buffer).length;
    if (size > most) throw new LinkError("link.too-large", `the body is larger than ${most} bytes`);
    parts.push(part as Buffer);
  }
  return parse(Buffer.concat(parts));
}

function parse(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString("utf8")) as unknown;
  } catch (error) {
    throw new LinkError("link.invalid", "the body is not JSON", { cause: error });
  }
}

async function readExactly(stream: Readable, size: number): Promise<Buffer> {
  if (size === 0) return Buffer.alloc(0);
  const parts: Buffer[] = [];
  let missing = size;
  while (missing > 0) {
    const part = (stream.read(Math.min(missing, Math.max(1, stream.readableLength))) as Buffer | null) ?? null;
    if (part === null) {
      await readable(stream);
      continue;
    }
    parts.push(part);
    missing -= part.length;
  }
  return parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts);
}

/** Waits until there is something to read; throws when nothing comes any more. */
function readable(stream: Readable): Promise<void> {
  return new Promise((resolve, reject) => {
    const events = { readable: done, end: cut, close: cut, error: cut } as const;
    function stop(): void {
      for (const [name, listener] of Object.entries(events)) stream.off(name, listener);
    }
    function done(): void {
      stop();
      resolve();
    }
    function cut(error?: unknown): void {
      stop();
      reject(new LinkError("link.cut", "the other side went away before its message was whole", { cause: error }));
    }
    if (stream.readableEnded || stream.destroyed) return cut();
    for (const [name, listener] of Object.entries(events)) stream.once(name, listener);
  });
}
