import { attribute, parseAttributes, u32 } from "./attributes.ts";
import { bytesToIp, prefixToBytes } from "./ip-bytes.ts";
import { messageFlags, type Message } from "./message.ts";
import type { NetlinkRequest } from "./netlink-socket.ts";

export const addressTypes = { add: 20, remove: 21, get: 22 } as const;
const ifa = { address: 1, local: 2, flags: 8 } as const;
/** IFA_F_NODAD: the conflict probe was made already, from outside (RFC 4862's own would hold the address back for a second). */
const noDuplicateDetection = 0x02;

/** An address of a link with its prefix length: `10.100.1.20/24`. */
export type Address = Readonly<{ linkIndex: number; address: string; scope: number }>;

function body(linkIndex: number, address: string): Buffer {
  const { bytes, length, family } = prefixToBytes(address);
  const header = Buffer.alloc(8);
  header[0] = family;
  header[1] = length;
  header.writeInt32LE(linkIndex, 4);
  return Buffer.concat([
    header,
    attribute(ifa.local, bytes),
    attribute(ifa.address, bytes),
    ...(bytes.length === 16 ? [attribute(ifa.flags, u32(noDuplicateDetection))] : []),
  ]);
}

export function addAddressRequest(linkIndex: number, address: string): NetlinkRequest {
  return {
    operation: `add address ${address} to #${linkIndex}`,
    type: addressTypes.add,
    flags: messageFlags.create | messageFlags.exclusive,
    body: body(linkIndex, address),
  };
}

export function removeAddressRequest(linkIndex: number, address: string): NetlinkRequest {
  return {
    operation: `remove address ${address} from #${linkIndex}`,
    type: addressTypes.remove,
    body: body(linkIndex, address),
  };
}

/** All addresses of the namespace, of both families, or those of one link. */
export function listAddressesRequest(linkIndex = 0): NetlinkRequest {
  const header = Buffer.alloc(8);
  header.writeInt32LE(linkIndex, 4);
  return { operation: "list addresses", type: addressTypes.get, body: header };
}

export function decodeAddress(message: Message): Address {
  const attributes = parseAttributes(message.body.subarray(8));
  const bytes = attributes.get(ifa.local) ?? attributes.get(ifa.address) ?? Buffer.alloc(4);
  return {
    linkIndex: message.body.readInt32LE(4),
    address: `${bytesToIp(bytes)}/${message.body[1]}`,
    scope: message.body[3] ?? 0,
  };
}
