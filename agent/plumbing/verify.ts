import { mainTable, type Namespace } from "@wcs/netlink";
import { ipOf, type Attachment } from "../attachment.ts";
import type { HostNetwork } from "./host-network.ts";
import { subnetOf, wantedRoutes, type ExtraRoute } from "./wanted-routes.ts";

/** RTN_UNICAST; the kernel's own local and broadcast routes are not ours to check. */
const unicast = 1;
const localTable = 255;
/** Rules that the kernel makes in every namespace (net/ipv4/fib_rules.c). */
const kernelPriorities = new Set([0, 32766, 32767]);

/**
 * Compares what the kernel has with what was asked for, and names every difference. ADD fails on one; CHECK reports them:
 * it is the same table.
 */
export async function verifyAttachment(
  host: HostNetwork,
  pod: Namespace,
  { attachment, extraRoutes }: Readonly<{ attachment: Attachment; extraRoutes: readonly ExtraRoute[] }>,
): Promise<string[]> {
  const { netlink } = host;
  const problems: string[] = [];
  const [links, addresses, routes, rules, ...ports] = await Promise.all([
    netlink.listLinks(pod),
    netlink.listAddresses(pod),
    netlink.listRoutes(pod),
    netlink.listRules(pod),
    ...attachment.nics.map((nic) => verifyPort(host, nic)),
  ]);
  problems.push(...ports.flat());
  const nameOf = (index: number | null) => links.find((link) => link.index === index)?.name ?? `#${index}`;
  for (const nic of attachment.nics) {
    const link = links.find(({ name }) => name === nic.name);
    if (!link) {
      problems.push(`the container has no ${nic.name}`);
      continue;
    }
    if (link.mac !== nic.mac) problems.push(`${nic.name} has MAC ${link.mac}, not ${nic.mac}`);
    if (!link.up) problems.push(`${nic.name} is down`);
    const found = addresses.filter(({ linkIndex, address }) => linkIndex === link.index && !address.includes(":"));
    if (!found.some(({ address }) => address === nic.address)) {
      problems.push(`${nic.name} lacks address ${nic.address}`);
    }
    for (const { address } of found) {
      if (address !== nic.address) problems.push(`${nic.name} has address ${address}, which is not its own`);
    }
  }
  const wanted = wantedRoutes(attachment.nics, extraRoutes);
  const text = (route: Readonly<{ destination: string; gateway?: string | null; table: number }>, nic: string) =>
    `${route.destination}${route.gateway ? ` via ${route.gateway}` : ""} dev ${nic}${route.table === mainTable ? "" : ` table ${route.table}`}`;
  const expected = new Set([
    ...wanted.routes.map((route) => text(route, route.nic)),
    ...attachment.nics.map((nic) => `${subnetOf(nic)} dev ${nic.name}`),
  ]);
  const present = new Set(
    routes
      .filter(({ kind, table }) => kind === unicast && table !== localTable)
      .map((route) => text(route, nameOf(route.linkIndex))),
  );
  for (const route of expected) if (!present.has(route)) problems.push(`route ${route} is missing`);
  for (const route of present) if (!expected.has(route)) problems.push(`route ${route} was not asked for`);
  const ruleText = (rule: Readonly<{ priority: number; from?: string; to?: string; table: number }>) =>
    `${rule.priority}: from ${rule.from ?? "all"}${rule.to ? ` to ${rule.to}` : ""} lookup ${rule.table}`;
  const expectedRules = new Set(wanted.rules.map(ruleText));
  const presentRules = rules.filter(({ priority }) => !kernelPriorities.has(priority)).map(ruleText);
  for (const rule of expectedRules) if (!presentRules.includes(rule)) problems.push(`rule ${rule} is missing`);
  for (const rule of presentRules) if (!expectedRules.has(rule)) problems.push(`rule ${rule} was not asked for`);
  return problems;
}

async function verifyPort(
  { netlink, namespace, bridges }: HostNetwork,
  nic: Attachment["nics"][number],
): Promise<string[]> {
  const port = await netlink.findLink(namespace, { name: nic.hostLink });
  if (!port) return [`the host has no ${nic.hostLink} for ${nic.name} (${ipOf(nic)})`];
  const bridge = [...bridges.values()].find(({ name }) => name === nic.bridge);
  if (port.masterIndex === null || port.masterIndex !== bridge?.index) {
    return [`${nic.hostLink} is not a port of ${nic.bridge}`];
  }
  return port.port?.state === "forwarding" ? [] : [`port ${nic.hostLink} is ${port.port?.state ?? "no port"}`];
}
