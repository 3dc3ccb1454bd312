import type { RawCall } from "../verbs/cni-call.ts";

/** What `wecni` sends (see cni/wecni.c): "WCN1", then seven fields, each a length and its bytes. */
const magic = "WCN1";
const unset = 0xffffffff;
const fieldNames = ["command", "containerId", "netns", "ifName", "args", "path", "stdin"] as const;
const longest = { variable: 64 * 1024, stdin: 1024 * 1024 };

/** A call that is no frame, or longer than any is. */
export class FrameError extends Error {}

/** Reads a frame as far as it is there: the call when it is whole, null when more must come. */
export function readFrame(bytes: Buffer): RawCall | null {
  if (bytes.toString("latin1", 0, Math.min(4, bytes.length)) !== magic.slice(0, bytes.length)) {
    throw new FrameError("not a call of wecni");
  }
  const values: (string | null)[] = [];
  let offset = 4;
  for (const name of fieldNames) {
    if (bytes.length < offset + 4) return null;
    const length = bytes.readUInt32LE(offset);
    offset += 4;
    if (length === unset) {
      values.push(null);
      continue;
    }
    if (length > (name === "stdin" ? longest.stdin : longest.variable)) throw new FrameError(`${name} is too long`);
    if (bytes.length < offset + length) return null;
    values.push(bytes.toString("utf8", offset, offset + length));
    offset += length;
  }
  const [command = null, containerId = null, netns = null, ifName = null, args = null, path = null, stdin] = values;
  return { command, containerId, netns, ifName, args, path, stdin: stdin ?? "" };
}

/** What `wecni` prints and exits with. */
export function writeAnswer(exitCode: number, text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(exitCode, 0);
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body]);
}
