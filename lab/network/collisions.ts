import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { run } from "../process/run.ts";
import { LabError } from "../state/lab-error.ts";
import { rootLink } from "../state/paths.ts";
import { networksOf } from "../topology/check-addresses.ts";
import { overlaps, parseAddress, parseNetwork } from "../topology/ipv4.ts";
import type { Topology } from "../topology/schema.ts";

type Route = Readonly<{ dst: string; dev?: string; type?: string }>;
/** An address or network that the machine has a use for, and what that is. */
export type MachineUse = Readonly<{ cidr: string; what: string }>;

/** Where a topology's networks meet what the machine uses for others. One line a clash. Pure. */
export function findCollisions(topology: Topology, uses: readonly MachineUse[]): string[] {
  const machine = uses.flatMap((use) => {
    const network = parseNetwork(use.cidr.includes("/") ? use.cidr : `${use.cidr}/32`);
    return network === null ? [] : [{ ...use, ...network }];
  });
  return networksOf(topology).flatMap((network) =>
    machine
      .filter((use) => overlaps(use, network))
      .map((use) => `${network.cidr} (${network.path.join(".")}) contains or overlaps ${use.cidr}, ${use.what}`),
  );
}

/** Routes and addresses that are not the lab's own. Pure. */
export const usesInRoutes = (routes: readonly Route[]): MachineUse[] =>
  routes
    .filter((route) => route.dst !== "default" && route.dev !== rootLink && route.dev !== "lo")
    .map((route) => ({
      cidr: route.dst,
      what: `${route.type === "local" ? "an address" : "a route"} of this machine on ${route.dev ?? "no device"}`,
    }));

/** Name servers in the text of a resolv.conf. Pure. */
export const usesInResolver = (text: string): MachineUse[] =>
  [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => ({
    cidr: match[1] ?? "",
    what: "a name server of this machine",
  }));

/** Peers of established IPv4 connections in the text of /proc/net/tcp or tcp6 (proc_net_tcp.rst). Pure. */
export function usesInConnections(text: string): MachineUse[] {
  const peers = new Set<string>();
  for (const line of text.split("\n").slice(1)) {
    const [, , remote = "", state] = line.trim().split(/\s+/);
    const [hex = ""] = remote.split(":");
    const mapped = hex.length === 32 && hex.startsWith("0000000000000000FFFF0000");
    if (state !== "01" || (hex.length !== 8 && !mapped)) continue;
    const bytes = hex.slice(-8).match(/../g) ?? [];
    peers.add(
      bytes
        .toReversed()
        .map((byte) => Number.parseInt(byte, 16))
        .join("."),
    );
  }
  return [...peers].map((cidr) => ({ cidr, what: "which this machine has a connection to" }));
}

/** Hosts named in settings of proxies and package registries. */
export function hostsInEnvironment(env: NodeJS.ProcessEnv): { host: string; variable: string }[] {
  return Object.entries(env).flatMap(([variable, value]) => {
    if (!/^(https?_proxy|all_proxy|goproxy|gosumdb|npm_config_registry|npm_config_(https_)?proxy)$/i.test(variable)) {
      return [];
    }
    return (value ?? "").split(/[,| ]/).flatMap((part) => {
      const url = URL.parse(part.includes("://") ? part : `http://${part}`);
      return url === null || ["", "direct", "off"].includes(url.hostname) ? [] : [{ host: url.hostname, variable }];
    });
  });
}

async function usesInEnvironment(): Promise<MachineUse[]> {
  const found = await Promise.all(
    hostsInEnvironment(process.env).map(async ({ host, variable }) => {
      const addresses =
        parseAddress(host) === null
          ? await lookup(host, { all: true, family: 4 }).catch(() => [])
          : [{ address: host }];
      return addresses.map(({ address }) => ({ cidr: address, what: `which is ${host} (${variable})` })); // one that has no address is not talked to
    }),
  );
  return found.flat();
}

/**
 * Looks at routes, addresses, name servers, connections, proxies and registries of this machine.
 * @throws LabError "collision" that names every clash, before anything is made
 */
export async function refuseCollisions(topology: Topology): Promise<void> {
  const routes = JSON.parse(await run("ip", ["-j", "-4", "route", "show", "table", "all"])) as Route[];
  const connections = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => usesInConnections(readIfThere(file)));
  const uses = [
    ...usesInRoutes(routes),
    ...usesInResolver(readIfThere("/etc/resolv.conf")),
    // connections into a lab that stands already are the lab's own
    ...(routes.some((route) => route.dev === rootLink) ? [] : connections),
    ...(await usesInEnvironment()),
  ];
  const found = findCollisions(topology, uses);
  if (found.length === 0) return;
  throw new LabError(
    "collision",
    `topology ${topology.name} can't be used on this machine:\n${found.map((line) => `  ${line}`).join("\n")}\n` +
      "Copy the topology file, choose other networks, and name the copy.",
  );
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return ""; // no IPv6, no resolver
    throw error;
  }
}
