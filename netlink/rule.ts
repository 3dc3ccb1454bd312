import { attribute, parseAttributes, u32 } from "./attributes.ts";
import { bytesToIp, families, prefixToBytes } from "./ip-bytes.ts";
import { messageFlags, type Message } from "./message.ts";
import type { NetlinkRequest } from "./netlink-socket.ts";

const ruleTypes = { add: 32, remove: 33, get: 34 } as const;
const fra = { destination: 1, source: 2, priority: 6, suppressPrefix: 14, table: 15 } as const;
const toTable = 1;

/** A policy rule: packets `from` (and to `to`) look in `table`. Lower priority numbers are asked first. */
export type Rule = Readonly<{
  priority: number;
  table: number;
  from?: string;
  to?: string;
  /** Leaves out routes whose prefix is at most this long: 0 leaves out the default route. */
  suppressPrefixLength?: number;
}>;
export type FoundRule = Rule & Readonly<{ family: "inet" | "inet6" }>;

function ruleBody(rule: Rule): Buffer {
  const from = rule.from === undefined ? null : prefixToBytes(rule.from);
  const to = rule.to === undefined ? null : prefixToBytes(rule.to);
  const header = Buffer.alloc(12);
  header[0] = from?.family ?? to?.family ?? families.inet;
  header[1] = to?.length ?? 0;
  header[2] = from?.length ?? 0;
  header[4] = rule.table < 256 ? rule.table : 0;
  header[7] = toTable;
  return Buffer.concat([
    header,
    attribute(fra.table, u32(rule.table)),
    attribute(fra.priority, u32(rule.priority)),
    ...(from ? [attribute(fra.source, from.bytes)] : []),
    ...(to ? [attribute(fra.destination, to.bytes)] : []),
    ...(rule.suppressPrefixLength === undefined ? [] : [attribute(fra.suppressPrefix, u32(rule.suppressPrefixLength))]),
  ]);
}

export function addRuleRequest(rule: Rule): NetlinkRequest {
  return {
    operation: `add rule ${rule.priority}${rule.from ? ` from ${rule.from}` : ""} table ${rule.table}`,
    type: ruleTypes.add,
    flags: messageFlags.create | messageFlags.exclusive,
    body: ruleBody(rule),
  };
}

export function removeRuleRequest(rule: Rule): NetlinkRequest {
  return { operation: `remove rule ${rule.priority}`, type: ruleTypes.remove, body: ruleBody(rule) };
}

export function listRulesRequest(family: "inet" | "inet6" = "inet"): NetlinkRequest {
  const header = Buffer.alloc(12);
  header[0] = families[family];
  return { operation: "list rules", type: ruleTypes.get, body: header };
}

export function decodeRule({ body }: Message): FoundRule {
  const attributes = parseAttributes(body.subarray(12));
  const from = attributes.get(fra.source);
  const to = attributes.get(fra.destination);
  const suppress = attributes.get(fra.suppressPrefix)?.readInt32LE(0) ?? -1;
  return {
    family: body[0] === families.inet6 ? "inet6" : "inet",
    priority: attributes.get(fra.priority)?.readUInt32LE(0) ?? 0,
    table: attributes.get(fra.table)?.readUInt32LE(0) ?? body[4] ?? 0,
    ...(from ? { from: `${bytesToIp(from)}/${body[2]}` } : {}),
    ...(to ? { to: `${bytesToIp(to)}/${body[1]}` } : {}),
    ...(suppress >= 0 ? { suppressPrefixLength: suppress } : {}),
  };
}
