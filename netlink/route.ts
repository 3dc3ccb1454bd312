import { attribute, parseAttributes, u32 } from "./attributes.ts";
import { bytesToIp, families, ipToBytes, prefixToBytes } from "./ip-bytes.ts";
import { messageFlags, type Message } from "./message.ts";
import type { NetlinkRequest } from "./netlink-socket.ts";

export const routeTypes = { add: 24, remove: 25, get: 26 } as const;
const rta = { destination: 1, outLink: 4, gateway: 5, priority: 6, preferredSource: 7, table: 15 } as const;
const scopes = { universe: 0, link: 253 } as const;
const unicast = 1;

/** The kernel's main table. */
export const mainTable = 254;

/** `destination` is a prefix; `0.0.0.0/0` and `::/0` are the default routes. A route without a gateway is on the link itself. */
export type Route = Readonly<{
  destination: string;
  linkIndex: number;
  gateway?: string;
  source?: string;
  table?: number;
  metric?: number;
}>;

/** A route as the kernel has it. `kind` 1 is unicast, 2 local, 3 broadcast (rtm_type). */
export type FoundRoute = Readonly<{
  destination: string;
  linkIndex: number | null;
  gateway: string | null;
  source: string | null;
  table: number;
  metric: number | null;
  protocol: number;
  kind: number;
}>;

function body(route: Route, protocol: number): Buffer {
  const { bytes, length, family } = prefixToBytes(route.destination);
  const table = route.table ?? mainTable;
  const header = Buffer.alloc(12);
  header[0] = family;
  header[1] = length;
  header[4] = table < 256 ? table : 0;
  header[5] = protocol;
  header[6] = route.gateway === undefined && family === families.inet ? scopes.link : scopes.universe;
  header[7] = unicast;
  const parts = [header, attribute(rta.table, u32(table)), attribute(rta.outLink, u32(route.linkIndex))];
  if (length > 0) parts.push(attribute(rta.destination, bytes));
  if (route.gateway !== undefined) parts.push(attribute(rta.gateway, ipToBytes(route.gateway)));
  if (route.source !== undefined) parts.push(attribute(rta.preferredSource, ipToBytes(route.source)));
  if (route.metric !== undefined) parts.push(attribute(rta.priority, u32(route.metric)));
  return Buffer.concat(parts);
}

/** RTPROT_STATIC: set by an administrator. */
const staticProtocol = 4;

export function addRouteRequest(route: Route): NetlinkRequest {
  return {
    operation: `add route ${route.destination}${route.gateway ? ` via ${route.gateway}` : ""} dev #${route.linkIndex}`,
    type: routeTypes.add,
    flags: messageFlags.create | messageFlags.exclusive,
    body: body(route, staticProtocol),
  };
}

export function removeRouteRequest(route: Route): NetlinkRequest {
  return { operation: `remove route ${route.destination}`, type: routeTypes.remove, body: body(route, 0) };
}

/** Routes of one family, of one table or of all. */
export function listRoutesRequest(
  filter: Readonly<{ family?: "inet" | "inet6"; table?: number }> = {},
): NetlinkRequest {
  const header = Buffer.alloc(12);
  header[0] = families[filter.family ?? "inet"];
  const table = filter.table === undefined ? [] : [attribute(rta.table, u32(filter.table))];
  return { operation: "list routes", type: routeTypes.get, body: Buffer.concat([header, ...table]) };
}

export function decodeRoute({ body }: Message): FoundRoute {
  const attributes = parseAttributes(body.subarray(12));
  const any = body[0] === families.inet6 ? Buffer.alloc(16) : Buffer.alloc(4);
  const gateway = attributes.get(rta.gateway);
  const source = attributes.get(rta.preferredSource);
  return {
    destination: `${bytesToIp(attributes.get(rta.destination) ?? any)}/${body[1]}`,
    linkIndex: attributes.get(rta.outLink)?.readUInt32LE(0) ?? null,
    gateway: gateway ? bytesToIp(gateway) : null,
    source: source ? bytesToIp(source) : null,
    table: attributes.get(rta.table)?.readUInt32LE(0) ?? body[4] ?? 0,
    metric: attributes.get(rta.priority)?.readUInt32LE(0) ?? null,
    protocol: body[5] ?? 0,
    kind: body[7] ?? 0,
  };
}
