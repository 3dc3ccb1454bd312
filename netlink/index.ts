export { addAddressRequest, removeAddressRequest, type Address } from "./address.ts";
export { arpAnnouncement, neighbourAdvertisement } from "./arp.ts";
export { macToBytes, ipToBytes } from "./ip-bytes.ts";
export {
  addLinkRequest,
  getLinkRequest,
  decodeLink,
  removeLinkRequest,
  setBridgePortRequest,
  setLinkRequest,
  type BridgePort,
  type BridgePortChange,
  type Link,
  type LinkChange,
  type LinkTarget,
  type NewLink,
  type PortState,
} from "./link.ts";
export { addNeighbourRequest, removeNeighbourRequest, type FoundNeighbour, type Neighbour } from "./neighbour.ts";
export { NetlinkError } from "./netlink-error.ts";
export type { NetlinkRequest } from "./netlink-socket.ts";
export { openNetlink, type FrameSender, type LinkEvent, type Namespace, type Netlink } from "./netlink.ts";
export { addRouteRequest, mainTable, removeRouteRequest, type FoundRoute, type Route } from "./route.ts";
export { addRuleRequest, removeRuleRequest, type FoundRule, type Rule } from "./rule.ts";
export { concatenatedKey, linkNameKey, type SetElements } from "./set-elements.ts";
