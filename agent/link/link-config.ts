import { isAbsolute } from "node:path";

/** How the agent reaches its servers. */
export type LinkConfig = Readonly<{
  /** `HOST:PORT` of servers to begin with; the others are learned from them. */
  servers: readonly string[];
  /** Where a join token is put; the agent waits for it, uses it, and removes it. */
  joinTokenFile: string;
}>;

/** What is wrong with the field `link` of the configuration; null when nothing is. */
export function linkConfigProblem(value: unknown): string | null {
  const { servers, joinTokenFile, ...rest } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const extra = Object.keys(rest);
  if (extra.length > 0) return `link.${extra[0]} is not known`;
  const isAddress = (each: unknown): boolean => typeof each === "string" && serverAddress(each) !== null;
  if (!Array.isArray(servers) || servers.length === 0 || servers.length > 100 || !servers.every(isAddress)) {
    return 'link.servers must be ["wcs.bank.example:8443"]';
  }
  const isPath = typeof joinTokenFile === "string" && isAbsolute(joinTokenFile);
  return isPath ? null : "link.joinTokenFile must be an absolute path";
}

/** The host and the port of `HOST:PORT` or `[IPV6]:PORT`; null when it is neither. */
export function serverAddress(text: string): Readonly<{ host: string; port: number }> | null {
  const match = /^(?:\[([0-9a-fA-F:]{2,45})\]|([A-Za-z0-9.-]{1,253})):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  return host === undefined || port < 1 || port > 65_535 ? null : { host, port };
}
