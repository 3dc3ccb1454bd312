import { isIPv6 } from "node:net";

/** Counts the attempts of source addresses that came to nothing. */
export type SourceLimit = Readonly<{
  /** Takes one attempt of an address: it stays taken unless `giveBack` is called. Or says how long the address has to wait. */
  take: (address: string) => Readonly<{ retryAfterSeconds: number } | { giveBack: () => void }>;
}>;

type Window = { startedMs: number; taken: number };

/** As many addresses are remembered; beyond that the oldest windows are forgotten first. */
const mostSources = 10_000;

/**
 * `most` attempts in a window of `windowMs` for each address. An attempt counts from its beginning, so that a thousand at once do not all begin before
 * the first has failed. All addresses of an IPv6 network of 64 bits are one: whoever has one of them has all (RFC 4291, 2.5.4).
 */
export function createSourceLimit({
  most,
  windowMs,
  now,
}: Readonly<{ most: number; windowMs: number; now: () => number }>): SourceLimit {
  const windows = new Map<string, Window>();
  return {
    take: (address) => {
      const source = sourceOf(address);
      let window = windows.get(source);
      if (window === undefined || now() - window.startedMs >= windowMs) {
        window = { startedMs: now(), taken: 0 };
        windows.delete(source);
        if (windows.size >= mostSources) {
          const [oldest] = windows.keys();
          if (oldest !== undefined) windows.delete(oldest);
        }
        windows.set(source, window);
      }
      if (window.taken >= most) {
        return { retryAfterSeconds: Math.max(1, Math.ceil((window.startedMs + windowMs - now()) / 1000)) };
      }
      window.taken += 1;
      const taken = window;
      return { giveBack: () => (taken.taken -= 1) };
    },
  };
}

/** What counts as one source: an IPv4 address, or the first 64 bits of an IPv6 address. */
export function sourceOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!isIPv6(plain)) return plain;
  const [head = "", tail] = (plain.split("%")[0] ?? "").split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const rest = tail === "" ? [] : tail.split(":");
    while (groups.length + rest.length < 8) groups.push("0");
    groups.push(...rest);
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
