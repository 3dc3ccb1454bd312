import { attribute, nested, text } from "./attributes.ts";
import { align } from "./attributes.ts";
import { families } from "./ip-bytes.ts";
import { encodeMessage, messageFlags } from "./message.ts";

/** An element of an nftables set: its key, already in the set's own layout (`concatenatedKey`). */
export type SetElements = Readonly<{ table: string; set: string; keys: readonly Buffer[] }>;

/** include/uapi/linux/netfilter/nfnetlink.h and nf_tables.h */
const nftables = 10;
const types = { batchBegin: 16, batchEnd: 17, addElements: (nftables << 8) | 12, removeElements: (nftables << 8) | 14 };
const list = { table: 1, set: 2, elements: 3 } as const;

function generic(family: number, resource: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes[0] = family;
  bytes.writeUInt16BE(resource, 2);
  return bytes;
}

/** Parts of a concatenated key, each padded to 4 bytes as nft lays them out. */
export function concatenatedKey(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts.map((part) => Buffer.concat([part, Buffer.alloc(align(part.length) - part.length)])));
}

/** A link's name as a set of type `ifname` keeps it: 16 bytes, NUL-filled. */
export function linkNameKey(name: string): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.write(name, "utf8");
  return bytes;
}

/**
 * One atomic nfnetlink transaction that adds elements to (or removes them from) sets of the bridge family. Each of its
 * requests is acknowledged under its own sequence number, from `firstSequence` + 1 on.
 */
export function encodeSetTransaction(
  action: "add" | "remove",
  changes: readonly SetElements[],
  firstSequence: number,
): { bytes: Buffer; sequences: number[] } {
  const parts = [
    encodeMessage({
      type: types.batchBegin,
      flags: messageFlags.request,
      sequence: firstSequence,
      body: generic(families.unspecified, nftables),
    }),
  ];
  const sequences: number[] = [];
  for (const [index, change] of changes.entries()) {
    const sequence = firstSequence + 1 + index;
    sequences.push(sequence);
    parts.push(
      encodeMessage({
        type: action === "add" ? types.addElements : types.removeElements,
        flags: messageFlags.request | messageFlags.ack | (action === "add" ? messageFlags.create : 0),
        sequence,
        body: Buffer.concat([
          generic(families.bridge, 0),
          attribute(list.table, text(change.table)),
          attribute(list.set, text(change.set)),
          nested(list.elements, ...change.keys.map((key) => nested(1, nested(1, attribute(1, key))))),
        ]),
      }),
    );
  }
  parts.push(
    encodeMessage({
      type: types.batchEnd,
      flags: messageFlags.request,
      sequence: firstSequence + changes.length + 1,
      body: generic(families.unspecified, nftables),
    }),
  );
  return { bytes: Buffer.concat(parts), sequences };
}
