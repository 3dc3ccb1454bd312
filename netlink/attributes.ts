/** The kernel's alignment of netlink messages and attributes (NLMSG_ALIGNTO, NLA_ALIGNTO). */
export function align(length: number): number {
  return (length + 3) & ~3;
}

/** One attribute: 4 bytes of header, the payload, padding to 4 bytes. */
export function attribute(type: number, ...payload: readonly Uint8Array[]): Buffer {
  const size = payload.reduce((sum, part) => sum + part.length, 4);
  if (size > 0xffff) throw new RangeError(`a netlink attribute holds at most 65535 bytes, not ${size}`);
  const bytes = Buffer.alloc(align(size));
  bytes.writeUInt16LE(size, 0);
  bytes.writeUInt16LE(type, 2);
  let offset = 4;
  for (const part of payload) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** NLA_F_NESTED: says that the payload is attributes; nfnetlink insists on it. */
const nestedFlag = 0x8000;

/** An attribute whose payload is attributes. */
export function nested(type: number, ...children: readonly Uint8Array[]): Buffer {
  return attribute(type | nestedFlag, ...children);
}

export function u8(value: number): Buffer {
  return Buffer.from([value]);
}

/** 32 bits in the machine's order (little endian on every machine that this runs on). */
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

/** A string with its closing NUL, as names of links are sent. */
export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

/** Attributes by type; a type that comes twice keeps its last. Bytes that are cut short end the walk, as in the kernel's own parser. */
export function parseAttributes(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  let offset = 0;
  while (offset + 4 <= bytes.length) {
    const length = bytes.readUInt16LE(offset);
    if (length < 4 || offset + length > bytes.length) break;
    // The two high bits say "nested" and "network order" (NLA_TYPE_MASK).
    found.set(bytes.readUInt16LE(offset + 2) & 0x3fff, bytes.subarray(offset + 4, offset + length));
    offset += align(length);
  }
  return found;
}

/** A NUL-ended string. */
export function readText(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end === -1 ? bytes.length : end);
}
