/** An IPv4 network: `base` and `last` are its first and last address as numbers. */
export type Network = Readonly<{ base: number; last: number; prefixBits: number }>;
export type AddressRange = Readonly<{ first: number; last: number }>;

/** `10.0.0.1` -> a number, or null. */
export function parseAddress(text: string): number | null {
  // no leading zeros: 10.0.0.01 would be a second name of 10.0.0.1, and inet_aton(3) reads it as octal
  const match = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/.exec(text);
  if (match === null) return null;
  const bytes = match.slice(1).map(Number);
  if (bytes.some((byte) => byte > 255)) return null;
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

export const formatAddress = (value: number) =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");

/** `10.0.0.0/24` -> a network, or null when it is not one or has host bits set. */
export function parseNetwork(text: string): Network | null {
  const [address, bits, ...rest] = text.split("/");
  const base = parseAddress(address ?? "");
  if (base === null || bits === undefined || rest.length > 0 || !/^(0|[1-9]\d?)$/.test(bits)) return null;
  const prefixBits = Number(bits);
  if (prefixBits > 32) return null;
  const size = 2 ** (32 - prefixBits);
  return base % size === 0 ? { base, last: base + size - 1, prefixBits } : null;
}

/** `10.0.0.10-10.0.0.20` -> a range, or null. */
export function parseRange(text: string): AddressRange | null {
  const [from, to, ...rest] = text.split("-");
  const first = parseAddress(from ?? "");
  const last = parseAddress(to ?? "");
  return first === null || last === null || rest.length > 0 || first > last ? null : { first, last };
}

export const overlaps = (a: { base: number; last: number }, b: { base: number; last: number }) =>
  a.base <= b.last && b.base <= a.last;

export const contains = (network: { base: number; last: number }, address: number) =>
  network.base <= address && address <= network.last;

/** A MAC address that follows from the IPv4 address: locally administered, the same after every `up`. */
export function macOf(address: string): string {
  const bytes = address.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0"));
  return `0a:57:${bytes.join(":")}`;
}
