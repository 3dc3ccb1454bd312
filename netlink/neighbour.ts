import { attribute, parseAttributes } from "./attributes.ts";
import { bytesToIp, bytesToMac, families, familyOf, ipToBytes, macToBytes } from "./ip-bytes.ts";
import { messageFlags, type Message } from "./message.ts";
import type { NetlinkRequest } from "./netlink-socket.ts";

const neighbourTypes = { add: 28, remove: 29, get: 30 } as const;
const nda = { destination: 1, linkLayerAddress: 2, master: 9 } as const;
/** NTF_SELF/NTF_MASTER: the entry belongs to the link itself, or to the bridge that the link is a port of. */
const masterFlag = 0x04;
const neighbourStates = { reachable: 0x02, permanent: 0x80, noArp: 0x40 } as const;

/** An entry of the ARP/NDP table (`ip`), or of a bridge's forwarding table (no `ip`). */
export type Neighbour = Readonly<{ linkIndex: number; mac: string; ip?: string; state: keyof typeof neighbourStates }>;
export type FoundNeighbour = Readonly<{
  linkIndex: number;
  ip: string | null;
  mac: string | null;
  stateBits: number;
  bridgeIndex: number | null;
}>;

function neighbourBody(neighbour: Neighbour): Buffer {
  const ip = neighbour.ip === undefined ? null : ipToBytes(neighbour.ip);
  const header = Buffer.alloc(12);
  header[0] = ip ? familyOf(ip) : families.bridge;
  header.writeInt32LE(neighbour.linkIndex, 4);
  header.writeUInt16LE(neighbourStates[neighbour.state], 8);
  header[10] = ip ? 0 : masterFlag;
  const mac = macToBytes(neighbour.mac);
  return Buffer.concat([header, ...(ip ? [attribute(nda.destination, ip)] : []), attribute(nda.linkLayerAddress, mac)]);
}

export function addNeighbourRequest(neighbour: Neighbour): NetlinkRequest {
  return {
    operation: `set neighbour ${neighbour.ip ?? neighbour.mac} on #${neighbour.linkIndex}`,
    type: neighbourTypes.add,
    flags: messageFlags.create | messageFlags.replace,
    body: neighbourBody(neighbour),
  };
}

export function removeNeighbourRequest(neighbour: Neighbour): NetlinkRequest {
  return {
    operation: `remove neighbour ${neighbour.ip ?? neighbour.mac} from #${neighbour.linkIndex}`,
    type: neighbourTypes.remove,
    body: neighbourBody(neighbour),
  };
}

/** The ARP table (`inet`), the NDP table (`inet6`) or the forwarding tables of bridges (`bridge`). */
export function listNeighboursRequest(family: "inet" | "inet6" | "bridge" = "inet"): NetlinkRequest {
  const header = Buffer.alloc(12);
  header[0] = families[family];
  return { operation: "list neighbours", type: neighbourTypes.get, body: header };
}

export function decodeNeighbour({ body }: Message): FoundNeighbour {
  const attributes = parseAttributes(body.subarray(12));
  const ip = attributes.get(nda.destination);
  const mac = attributes.get(nda.linkLayerAddress);
  return {
    linkIndex: body.readInt32LE(4),
    ip: ip && (ip.length === 4 || ip.length === 16) ? bytesToIp(ip) : null,
    mac: mac?.length === 6 ? bytesToMac(mac) : null,
    stateBits: body.readUInt16LE(8),
    bridgeIndex: attributes.get(nda.master)?.readUInt32LE(0) ?? null,
  };
}
