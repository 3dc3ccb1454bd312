import { isIPv4, isIPv6 } from "node:net";

export const families = { inet: 2, inet6: 10, bridge: 7, unspecified: 0 } as const;

/** 4 or 16 bytes of an address in text; throws on anything else. */
export function ipToBytes(ip: string): Buffer {
  if (isIPv4(ip)) return Buffer.from(ip.split(".").map(Number));
  if (!isIPv6(ip) || ip.includes("%")) throw new TypeError(`not an IP address: "${ip}"`);
  let source = ip;
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(ip);
  if (dotted) {
    const [a, b, c, d] = dotted.slice(1).map(Number) as [number, number, number, number];
    source = `${ip.slice(0, dotted.index)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const [head = "", tail] = source.split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => "0"), ...back];
  const bytes = Buffer.alloc(16);
  groups.forEach((group, index) => bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2));
  return bytes;
}

/** Text of 4 or 16 bytes; IPv6 in the form of RFC 5952. */
export function bytesToIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const view = Buffer.from(bytes);
  const groups = Array.from({ length: 8 }, (_, index) => view.readUInt16BE(index * 2));
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start += 1) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length += 1;
    if (length > best.length) best = { start, length };
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (best.length === 1) return hex(groups);
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}

/** An address with a prefix length, `10.1.2.3/24`. Without a slash the whole address counts. */
export function prefixToBytes(prefix: string): { bytes: Buffer; length: number; family: number } {
  const [ip = "", bits] = prefix.split("/");
  const bytes = ipToBytes(ip);
  const length = bits === undefined ? bytes.length * 8 : Number(bits);
  if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || length > bytes.length * 8)) {
    throw new TypeError(`not an address with a prefix length: "${prefix}"`);
  }
  return { bytes, length, family: familyOf(bytes) };
}

/** AF_INET or AF_INET6, by the number of bytes. */
export function familyOf(bytes: Uint8Array): number {
  return bytes.length === 4 ? families.inet : families.inet6;
}

/** 6 bytes of `02:57:0a:64:01:96`; throws on anything else. */
export function macToBytes(mac: string): Buffer {
  if (!/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i.test(mac)) throw new TypeError(`not a MAC address: "${mac}"`);
  return Buffer.from(mac.replaceAll(":", ""), "hex");
}

export function bytesToMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
