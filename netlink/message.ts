import { align, parseAttributes, readText } from "./attributes.ts";
import { errnoName } from "./netlink-error.ts";

/** Flags of a netlink message (include/uapi/linux/netlink.h). */
export const messageFlags = {
  request: 0x1,
  ack: 0x4,
  dumpInterrupted: 0x10,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
  dump: 0x300,
  ackCapped: 0x100,
  ackAttributes: 0x200,
} as const;

export const controlTypes = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

export type Message = Readonly<{ type: number; flags: number; sequence: number; body: Buffer }>;

/** A message with its 16 bytes of header. */
export function encodeMessage({ type, flags, sequence, body }: Message): Buffer {
  const bytes = Buffer.alloc(align(16 + body.length));
  bytes.writeUInt32LE(16 + body.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt32LE(sequence, 8);
  body.copy(bytes, 16);
  return bytes;
}

/** The messages of one datagram. A length that runs past the end is a truncated datagram and an error, never skipped. */
export function decodeMessages(bytes: Buffer): Message[] {
  const messages: Message[] = [];
  let offset = 0;
  while (offset + 16 <= bytes.length) {
    const length = bytes.readUInt32LE(offset);
    if (length < 16 || offset + length > bytes.length) {
      throw new RangeError(`netlink message of ${length} bytes in a datagram with ${bytes.length - offset} left`);
    }
    messages.push({
      type: bytes.readUInt16LE(offset + 4),
      flags: bytes.readUInt16LE(offset + 6),
      sequence: bytes.readUInt32LE(offset + 8),
      body: bytes.subarray(offset + 16, offset + length),
    });
    offset += align(length);
  }
  return messages;
}

export type Acknowledgement = Readonly<{ errno: number; code: string; detail: string | null }>;

const ackMessageAttribute = 1;
const ackOffsetAttribute = 2;

/** Reads an NLMSG_ERROR (errno 0 is success), with the kernel's sentence when extended acknowledgements are on. */
export function decodeAcknowledgement({ flags, body }: Message): Acknowledgement {
  const errno = -body.readInt32LE(0);
  let detail: string | null = null;
  if ((flags & messageFlags.ackAttributes) !== 0) {
    const original = (flags & messageFlags.ackCapped) === 0 ? body.readUInt32LE(4) : 16;
    const attributes = parseAttributes(body.subarray(4 + align(original)));
    const sentence = attributes.get(ackMessageAttribute);
    const offset = attributes.get(ackOffsetAttribute);
    const place = offset === undefined ? "" : ` (at byte ${offset.readUInt32LE(0)} of the request)`;
    if (sentence !== undefined || place !== "") detail = `${sentence ? readText(sentence) : "bad attribute"}${place}`;
  }
  return { errno, code: errno === 0 ? "OK" : errnoName(errno), detail };
}
