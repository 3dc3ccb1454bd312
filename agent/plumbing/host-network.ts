import { setLinkRequest, NetlinkError, type Link, type Namespace, type Netlink } from "@wcs/netlink";

/** A bridge of the host, by network area. `uplink`: the port that leads to the TOR. */
export type BridgeConfig = Readonly<{ bridge: string; uplink: string }>;

export type HostBridge = Readonly<{ area: string; name: string; index: number; mac: string; mtu: number }>;

/** The host's own side: its namespace, held open, and its bridges. */
export type HostNetwork = Readonly<{
  netlink: Netlink;
  namespace: Namespace;
  bridges: ReadonlyMap<string, HostBridge>;
}>;

/**
 * Opens the host's network and pins each bridge's MAC to its uplink's: a bridge takes the lowest MAC of its ports unless it was
 * set (br_stp_recalculate_bridge_id), so a new pod could change the host's own MAC and cut it off.
 */
export async function openHostNetwork(
  netlink: Netlink,
  areas: Readonly<Record<string, BridgeConfig>>,
): Promise<HostNetwork> {
  const namespace = await netlink.openNamespace("/proc/self/ns/net");
  const bridges = new Map<string, HostBridge>();
  for (const [area, config] of Object.entries(areas)) {
    const bridge = await need(netlink, namespace, config.bridge, area);
    const uplink = await need(netlink, namespace, config.uplink, area);
    if (bridge.kind !== "bridge") {
      throw new Error(`bridges.${area}: ${config.bridge} is a ${bridge.kind ?? "device"}, not a bridge`);
    }
    if (uplink.masterIndex !== bridge.index) {
      throw new Error(`bridges.${area}: ${config.uplink} is not a port of ${config.bridge}`);
    }
    if (uplink.mac === null) throw new Error(`bridges.${area}: ${config.uplink} has no MAC`);
    // Setting even the same MAC marks it as set (NET_ADDR_SET), and that is what pins it.
    await netlink.run([[namespace, setLinkRequest({ index: bridge.index }, { mac: uplink.mac })]]);
    bridges.set(area, { area, name: bridge.name, index: bridge.index, mac: uplink.mac, mtu: bridge.mtu });
  }
  return { netlink, namespace, bridges };
}

async function need(netlink: Netlink, namespace: Namespace, name: string, area: string): Promise<Link> {
  try {
    return await netlink.getLink(namespace, { name });
  } catch (error) {
    if (error instanceof NetlinkError && error.code === "ENODEV") {
      throw new Error(`bridges.${area}: this host has no link ${name}`, { cause: error });
    }
    throw error;
  }
}
