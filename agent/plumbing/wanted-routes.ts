import { mainTable, type Route, type Rule } from "@wcs/netlink";
import { ipOf, type AttachedNic } from "../attachment.ts";

/** A route out of a NIC, before the NIC's index is known. */
export type WantedRoute = Omit<Route, "linkIndex"> & Readonly<{ nic: string; table: number }>;

/** Tables and rules of the n-th NIC. Numbers below 1000 are left to the pod. */
const firstTable = 1000;
const firstPriority = 1000;

/** The most NICs that a pod has (core/ipam). */
const mostNics = 8;

/** Whether a rule is one that `wantedRoutes` makes. */
export function isOwnRule({ priority, table }: Rule): boolean {
  const index = priority - firstPriority;
  return index >= 0 && index < mostNics && table === firstTable + index;
}

/** Routes of the main table that every pod of the host has besides, such as the one to the cluster's services. */
export type ExtraRoute = Readonly<{ to: string; via: string }>;

/**
 * The routes and rules of a pod. One NIC: its subnet (the kernel's own route) and the default route. More: the default
 * route by the NIC that has it, the internal prefixes by theirs; and for each NIC a table of its own, with all by that NIC's
 * gateway, that packets from the NIC's address look in, so that a reply leaves by the NIC that the request came in by.
 */
export function wantedRoutes(
  nics: readonly AttachedNic[],
  extra: readonly ExtraRoute[] = [],
): { routes: WantedRoute[]; rules: Rule[] } {
  const routes: WantedRoute[] = [];
  const rules: Rule[] = [];
  for (const [index, nic] of nics.entries()) {
    const { name, gateway } = nic;
    if (nic.defaultRoute) routes.push({ nic: name, destination: "0.0.0.0/0", gateway, table: mainTable });
    for (const destination of nic.internalPrefixes) routes.push({ nic: name, destination, gateway, table: mainTable });
    for (const { to, via } of nic.routes) routes.push({ nic: name, destination: to, gateway: via, table: mainTable });
    if (nics.length === 1) continue;
    const table = firstTable + index;
    routes.push({ nic: name, destination: subnetOf(nic), table });
    routes.push({ nic: name, destination: "0.0.0.0/0", gateway, table });
    rules.push({ priority: firstPriority + index, table, from: `${ipOf(nic)}/32` });
  }
  const first = nics[0];
  const known = new Set(routes.filter(({ table }) => table === mainTable).map(({ destination }) => destination));
  for (const { to, via } of first ? extra : []) {
    if (!known.has(to)) routes.push({ nic: first?.name ?? "", destination: to, gateway: via, table: mainTable });
  }
  return { routes, rules };
}

/** `10.100.1.0/24` of `10.100.1.20/24`. */
export function subnetOf(nic: Readonly<{ address: string }>): string {
  const [ip = "", bits = "32"] = nic.address.split("/");
  const length = Number(bits);
  const value = ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - length);
  const first = Math.floor(value / size) * size;
  return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join(".")}/${length}`;
}
