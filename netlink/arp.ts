import { bytesToIp, bytesToMac, ipToBytes, macToBytes } from "./ip-bytes.ts";

/** EtherTypes of what this package sends and hears. */
export const etherTypes = { arp: 0x0806, ipv6: 0x86dd } as const;

const broadcast = Buffer.alloc(6, 0xff);
const noMac = Buffer.alloc(6);
const operations = { request: 1, reply: 2 } as const;

export type ArpPacket = Readonly<{
  operation: "request" | "reply";
  senderMac: string;
  senderIp: string;
  targetMac: string;
  targetIp: string;
}>;

function frame(destination: Buffer, packet: ArpPacket): Buffer {
  const senderMac = macToBytes(packet.senderMac);
  const bytes = Buffer.alloc(60);
  destination.copy(bytes, 0);
  senderMac.copy(bytes, 6);
  bytes.writeUInt16BE(etherTypes.arp, 12);
  bytes.writeUInt16BE(1, 14);
  bytes.writeUInt16BE(0x0800, 16);
  bytes[18] = 6;
  bytes[19] = 4;
  bytes.writeUInt16BE(operations[packet.operation], 20);
  senderMac.copy(bytes, 22);
  ipToBytes(packet.senderIp).copy(bytes, 28);
  macToBytes(packet.targetMac).copy(bytes, 32);
  ipToBytes(packet.targetIp).copy(bytes, 38);
  return bytes;
}

/** "Does anyone have this address?", asked without an address of one's own (RFC 5227, 2.1.1). A whole Ethernet frame. */
export function arpProbe(fromMac: string, ip: string): Buffer {
  const packet = { operation: "request", senderMac: fromMac, senderIp: "0.0.0.0" } as const;
  return frame(broadcast, { ...packet, targetMac: bytesToMac(noMac), targetIp: ip });
}

/** "This address is here now" (gratuitous ARP, RFC 5227, 2.3): updates every cache that has an entry for it. */
export function arpAnnouncement(mac: string, ip: string): Buffer {
  const packet = { operation: "request", senderMac: mac, senderIp: ip } as const;
  return frame(broadcast, { ...packet, targetMac: bytesToMac(noMac), targetIp: ip });
}

/** Reads an Ethernet frame as ARP for IPv4 over Ethernet; null when it is anything else. */
export function parseArp(bytes: Buffer): ArpPacket | null {
  if (bytes.length < 42 || bytes.readUInt16BE(12) !== etherTypes.arp) return null;
  if (bytes.readUInt16BE(14) !== 1 || bytes.readUInt16BE(16) !== 0x0800 || bytes[18] !== 6 || bytes[19] !== 4) {
    return null;
  }
  const operation = bytes.readUInt16BE(20);
  if (operation !== operations.request && operation !== operations.reply) return null;
  return {
    operation: operation === operations.request ? "request" : "reply",
    senderMac: bytesToMac(bytes.subarray(22, 28)),
    senderIp: bytesToIp(bytes.subarray(28, 32)),
    targetMac: bytesToMac(bytes.subarray(32, 38)),
    targetIp: bytesToIp(bytes.subarray(38, 42)),
  };
}

/**
 * Whether a packet says that another station has `ip` or is about to take it (RFC 5227, 2.1.1): any packet sent from that
 * address, and a probe for it by someone else.
 */
export function claimsAddress(packet: ArpPacket, asked: Readonly<{ ip: string; fromMac: string }>): boolean {
  if (packet.senderMac === asked.fromMac) return false;
  if (packet.senderIp === asked.ip) return true;
  return packet.operation === "request" && packet.senderIp === "0.0.0.0" && packet.targetIp === asked.ip;
}

/** Unsolicited neighbour advertisement to all nodes, with the override flag (RFC 4861, 7.2.6): IPv6's gratuitous ARP. */
export function neighbourAdvertisement(mac: string, ip: string): Buffer {
  const source = ipToBytes(ip);
  const allNodes = ipToBytes("ff02::1");
  const payload = Buffer.alloc(32);
  payload[0] = 136;
  payload[4] = 0x20;
  source.copy(payload, 8);
  payload[24] = 2;
  payload[25] = 1;
  macToBytes(mac).copy(payload, 26);
  payload.writeUInt16BE(icmpChecksum(source, allNodes, payload), 2);
  const header = Buffer.alloc(54);
  Buffer.from("333300000001", "hex").copy(header, 0);
  macToBytes(mac).copy(header, 6);
  header.writeUInt16BE(etherTypes.ipv6, 12);
  header[14] = 0x60;
  header.writeUInt16BE(payload.length, 18);
  header[20] = 58;
  header[21] = 255;
  source.copy(header, 22);
  allNodes.copy(header, 38);
  return Buffer.concat([header, payload]);
}

/** RFC 4443, 2.3: over a pseudo-header of both addresses, the length and the next header. */
function icmpChecksum(source: Buffer, destination: Buffer, payload: Buffer): number {
  const tail = Buffer.alloc(8);
  tail.writeUInt32BE(payload.length, 0);
  tail[7] = 58;
  const all = Buffer.concat([source, destination, tail, payload]);
  let sum = 0;
  for (let offset = 0; offset < all.length; offset += 2) sum += all.readUInt16BE(offset);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
