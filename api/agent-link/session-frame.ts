import type { Readable } from "node:stream";
import { LinkError } from "./link-error.ts";

/** What a frame of a session's stream holds. `exit` is JSON (`SessionExit`); `inputEnd` and `exit` are the last of their direction. */
export const frameTypes = { output: 1, error: 2, exit: 3, input: 4, inputEnd: 5 } as const;
export type FrameType = keyof typeof frameTypes;
export type SessionFrame = Readonly<{ type: FrameType; data: Buffer }>;

/** How a session ended. `code` null: it was ended, and `reason` says by what. */
export type SessionExit = Readonly<{ code: number | null; reason: string | null }>;

const names = new Map<number, FrameType>(Object.entries(frameTypes).map(([name, code]) => [code, name as FrameType]));
const headBytes = 5;
export const mostFrameBytes = 64 * 1024;

/** A frame as bytes: its type, its length (32 bits, big-endian), its data. At most `mostFrameBytes` of data. */
export function writeFrame(type: FrameType, data: Buffer): Buffer {
  if (data.length > mostFrameBytes) throw new LinkError("link.too-large", `a frame of ${data.length} bytes`);
  const head = Buffer.alloc(headBytes);
  head.writeUInt8(frameTypes[type]);
  head.writeUInt32BE(data.length, 1);
  return Buffer.concat([head, data]);
}

/** The frames of a stream until it ends; throws `link.invalid` on what is none. A frame that is not whole at the end is left out. */
export async function* readFrames(stream: Readable): AsyncGenerator<SessionFrame, void> {
  let bytes: Buffer = Buffer.alloc(0);
  for await (const part of stream.iterator({ destroyOnReturn: false })) {
    bytes = bytes.length === 0 ? (part as Buffer) : Buffer.concat([bytes, part as Buffer]);
    while (bytes.length >= headBytes) {
      const type = names.get(bytes.readUInt8());
      const size = bytes.readUInt32BE(1);
      if (type === undefined || size > mostFrameBytes) throw new LinkError("link.invalid", "that is no frame");
      if (bytes.length < headBytes + size) break;
      yield { type, data: bytes.subarray(headBytes, headBytes + size) };
      bytes = bytes.subarray(headBytes + size);
    }
  }
}
