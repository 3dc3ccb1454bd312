/** An IPv4 address as an unsigned 32-bit number, most significant byte first. */
export type Ipv4Address = number;

const octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";

/** Dotted quad without leading zeros, as JSON Schema's `pattern`: `010.0.0.1` is ten to one reader and eight to another. */
export const ipv4AddressPattern = `^${octet}(?:\\.${octet}){3}$`;

const whole = new RegExp(ipv4AddressPattern);

/** The address that `text` names, or null when it is not a dotted quad. */
export function parseIpv4Address(text: string): Ipv4Address | null {
  if (text.length > 15 || !whole.test(text)) return null;
  return text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** The dotted quad of `address`. */
export function formatIpv4Address(address: Ipv4Address): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}
