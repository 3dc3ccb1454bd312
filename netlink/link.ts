import { attribute, nested, parseAttributes, readText, text, u32, u8 } from "./attributes.ts";
import { bytesToMac, families, macToBytes } from "./ip-bytes.ts";
import { messageFlags, type Message } from "./message.ts";
import type { NetlinkRequest } from "./netlink-socket.ts";

/** include/uapi/linux/rtnetlink.h */
export const linkTypes = { add: 16, remove: 17, get: 18, set: 19 } as const;

/** include/uapi/linux/if_link.h */
const ifla = {
  address: 1,
  name: 3,
  mtu: 4,
  link: 5,
  master: 10,
  protocolInfo: 12,
  operState: 16,
  linkInfo: 18,
  alias: 20,
  group: 27,
  netnsFd: 28,
  extMask: 29,
  linkNetnsId: 37,
} as const;
const info = { kind: 1, data: 2, slaveKind: 4, slaveData: 5 } as const;
const port = { state: 1, hairpin: 4, learning: 8, unicastFlood: 9, isolated: 33 } as const;
const vethPeer = 1;
const upFlag = 0x1;
const carrierFlag = 0x10000;
/** RTEXT_FILTER_SKIP_STATS: counters are most of a link's message, and nothing here reads them. */
const skipStatistics = 0x8;

const portStates = ["disabled", "listening", "learning", "forwarding", "blocking"] as const;
export type PortState = (typeof portStates)[number];
const operStates = ["unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"] as const;

/** A bridge port's own settings. */
export type BridgePort = Readonly<{ state: PortState; hairpin: boolean; isolated: boolean; learning: boolean }>;

export type Link = Readonly<{
  index: number;
  name: string;
  kind: string | null;
  mac: string | null;
  mtu: number;
  up: boolean;
  /** The lower layer is up: for a veth, both ends are. */
  carrier: boolean;
  operState: (typeof operStates)[number];
  group: number;
  masterIndex: number | null;
  /** The other end's index, in the namespace `peerNamespaceId` (an id of this namespace's own numbering) or here when that is null. */
  peerIndex: number | null;
  peerNamespaceId: number | null;
  alias: string | null;
  port: BridgePort | null;
}>;

/** What names a link: its index, or its name. */
export type LinkTarget = Readonly<{ index: number }> | Readonly<{ name: string }>;

export type NewLink = Readonly<{
  name: string;
  kind: "veth" | "bridge" | "macvlan";
  mac?: string;
  mtu?: number;
  masterIndex?: number;
  up?: boolean;
  /** The other end of a veth; `namespaceFd` makes it in another namespace at once. */
  peer?: Readonly<{ name: string; mac?: string; mtu?: number; namespaceFd?: number }>;
}>;

export type LinkChange = Readonly<{
  up?: boolean;
  mac?: string;
  mtu?: number;
  name?: string;
  alias?: string;
  group?: number;
  /** null takes the link out of its bridge. */
  masterIndex?: number | null;
}>;

/** The longest name the kernel takes, in bytes (IFNAMSIZ less the NUL). */
const longestName = 15;

function checkedName(name: string): string {
  if (Buffer.byteLength(name) > longestName || name === "." || name === ".." || !/^[^\s/:%\0]+$/.test(name)) {
    throw new TypeError(`not a name for a link: "${name}" (1 to ${longestName} bytes, no space, "/", ":" or "%")`);
  }
  return name;
}

function header(fields: Readonly<{ index?: number; flags?: number; change?: number; family?: number }>): Buffer {
  const bytes = Buffer.alloc(16);
  bytes[0] = fields.family ?? families.unspecified;
  bytes.writeInt32LE(fields.index ?? 0, 4);
  bytes.writeUInt32LE(fields.flags ?? 0, 8);
  bytes.writeUInt32LE(fields.change ?? 0, 12);
  return bytes;
}

function described(target: LinkTarget): string {
  return "name" in target ? target.name : `#${target.index}`;
}

function targeted(target: LinkTarget, flags: Readonly<{ flags?: number; change?: number }> = {}): Buffer {
  if ("index" in target) return header({ ...flags, index: target.index });
  return Buffer.concat([header(flags), attribute(ifla.name, text(checkedName(target.name)))]);
}

function optional<T>(value: T | undefined, make: (value: T) => Buffer): Buffer[] {
  return value === undefined ? [] : [make(value)];
}

export function addLinkRequest(link: NewLink): NetlinkRequest {
  const { peer } = link;
  const peerData = peer && [
    header({}),
    attribute(ifla.name, text(checkedName(peer.name))),
    ...optional(peer.mac, (mac) => attribute(ifla.address, macToBytes(mac))),
    ...optional(peer.mtu, (mtu) => attribute(ifla.mtu, u32(mtu))),
    ...optional(peer.namespaceFd, (fd) => attribute(ifla.netnsFd, u32(fd))),
  ];
  const up = link.up === true ? upFlag : 0;
  return {
    operation: `add ${link.kind} ${link.name}`,
    type: linkTypes.add,
    flags: messageFlags.create | messageFlags.exclusive,
    body: Buffer.concat([
      header({ flags: up, change: up }),
      attribute(ifla.name, text(checkedName(link.name))),
      ...optional(link.mac, (mac) => attribute(ifla.address, macToBytes(mac))),
      ...optional(link.mtu, (mtu) => attribute(ifla.mtu, u32(mtu))),
      ...optional(link.masterIndex, (index) => attribute(ifla.master, u32(index))),
      nested(
        ifla.linkInfo,
        attribute(info.kind, text(link.kind)),
        ...(peerData ? [nested(info.data, nested(vethPeer, ...peerData))] : []),
      ),
    ]),
  };
}

export function setLinkRequest(target: LinkTarget, change: LinkChange): NetlinkRequest {
  const flags = change.up === undefined ? {} : { flags: change.up ? upFlag : 0, change: upFlag };
  return {
    operation: `set link ${described(target)}`,
    type: linkTypes.set,
    body: Buffer.concat([
      targeted(target, flags),
      ...optional(change.mac, (mac) => attribute(ifla.address, macToBytes(mac))),
      ...optional(change.mtu, (mtu) => attribute(ifla.mtu, u32(mtu))),
      ...optional(change.name, (name) => attribute(ifla.name, text(checkedName(name)))),
      ...optional(change.alias, (alias) => attribute(ifla.alias, text(alias))),
      ...optional(change.group, (group) => attribute(ifla.group, u32(group))),
      ...optional(change.masterIndex, (index) => attribute(ifla.master, u32(index ?? 0))),
    ]),
  };
}

export function removeLinkRequest(target: LinkTarget): NetlinkRequest {
  return { operation: `remove link ${described(target)}`, type: linkTypes.remove, body: targeted(target) };
}

export function getLinkRequest(target: LinkTarget): NetlinkRequest {
  return {
    operation: `get link ${described(target)}`,
    type: linkTypes.get,
    body: Buffer.concat([targeted(target), attribute(ifla.extMask, u32(skipStatistics))]),
  };
}

/** `masterIndex` keeps the ports of one bridge. */
export function listLinksRequest(filter: Readonly<{ masterIndex?: number }> = {}): NetlinkRequest {
  return {
    operation: "list links",
    type: linkTypes.get,
    body: Buffer.concat([
      header({}),
      attribute(ifla.extMask, u32(skipStatistics)),
      ...optional(filter.masterIndex, (index) => attribute(ifla.master, u32(index))),
    ]),
  };
}

/** Settings of a bridge port; what is not named stays. */
export type BridgePortChange = Readonly<{ hairpin?: boolean; isolated?: boolean; learning?: boolean; flood?: boolean }>;

export function setBridgePortRequest(index: number, change: BridgePortChange): NetlinkRequest {
  const flag = (type: number, on: boolean | undefined) => optional(on, (value) => attribute(type, u8(value ? 1 : 0)));
  return {
    operation: `set bridge port #${index}`,
    type: linkTypes.set,
    body: Buffer.concat([
      header({ index, family: families.bridge }),
      nested(
        ifla.protocolInfo,
        ...flag(port.hairpin, change.hairpin),
        ...flag(port.isolated, change.isolated),
        ...flag(port.learning, change.learning),
        ...flag(port.unicastFlood, change.flood),
      ),
    ]),
  };
}

/** Reads an RTM_NEWLINK or RTM_DELLINK. */
export function decodeLink({ body }: Message): Link {
  const attributes = parseAttributes(body.subarray(16));
  const flags = body.readUInt32LE(8);
  const linkInfo = parseAttributes(attributes.get(ifla.linkInfo) ?? Buffer.alloc(0));
  const kind = linkInfo.get(info.kind);
  const slaveKind = linkInfo.get(info.slaveKind);
  const slaveData = linkInfo.get(info.slaveData);
  const mac = attributes.get(ifla.address);
  const number = (type: number) => attributes.get(type)?.readUInt32LE(0) ?? null;
  const alias = attributes.get(ifla.alias);
  const isPort = slaveKind !== undefined && slaveData !== undefined && readText(slaveKind) === "bridge";
  return {
    index: body.readInt32LE(4),
    name: readText(attributes.get(ifla.name) ?? Buffer.alloc(0)),
    kind: kind ? readText(kind) : null,
    mac: mac?.length === 6 ? bytesToMac(mac) : null,
    mtu: number(ifla.mtu) ?? 0,
    up: (flags & upFlag) !== 0,
    carrier: (flags & carrierFlag) !== 0,
    operState: operStates[attributes.get(ifla.operState)?.[0] ?? 0] ?? "unknown",
    group: number(ifla.group) ?? 0,
    masterIndex: number(ifla.master),
    peerIndex: number(ifla.link),
    peerNamespaceId: attributes.get(ifla.linkNetnsId)?.readInt32LE(0) ?? null,
    alias: alias ? readText(alias) : null,
    port: isPort ? decodePort(parseAttributes(slaveData)) : null,
  };
}

function decodePort(attributes: ReadonlyMap<number, Buffer>): BridgePort {
  const on = (type: number) => attributes.get(type)?.[0] === 1;
  return {
    state: portStates[attributes.get(port.state)?.[0] ?? 0] ?? "disabled",
    hairpin: on(port.hairpin),
    isolated: on(port.isolated),
    learning: on(port.learning),
  };
}
