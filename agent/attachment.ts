import { createHash } from "node:crypto";
import type { NicRoute } from "@wcs/core/ipam";

/** A NIC of a container, as it was planned and is held to. */
export type AttachedNic = Readonly<{
  /** The name in the container. */
  name: string;
  /** The host's end of the veth. */
  hostLink: string;
  /** The bridge that the host's end is a port of. */
  bridge: string;
  area: string;
  /** `10.100.1.20/24` */
  address: string;
  mac: string;
  gateway: string;
  defaultRoute: boolean;
  internalPrefixes: readonly string[];
  routes: readonly NicRoute[];
  conflictProbe: boolean;
}>;

export type PodName = Readonly<{ namespace: string; name: string; uid: string }>;

/**
 * What one ADD made, and who it is for. Container id and interface are the runtime's name for it; instance, NIC and pod UID
 * are its identity: an old pod's DEL names an old container and so can never free what a new pod holds.
 */
export type Attachment = Readonly<{
  containerId: string;
  ifName: string;
  network: string;
  netns: string;
  pod: PodName | null;
  /** null: an address of the host's dynamic block. */
  instance: string | null;
  /** The ledger's count of how often the instance's addresses were given; null without an instance. */
  generation: number | null;
  nics: readonly AttachedNic[];
  addedAtMs: number;
}>;

/** The key of an attachment: CNI identifies one by container and interface. */
export function attachmentKey(attachment: Readonly<{ containerId: string; ifName: string }>): string {
  return `${attachment.containerId}/${attachment.ifName}`;
}

/** What the names of all our links begin with; the guard's rules and the leak finder go by it. */
export const hostLinkPrefix = "wcs";

/** The host's end of an attachment's n-th veth: always the same for the same container, so that a DEL finds it without a record. */
export function hostLinkName(attachment: Readonly<{ containerId: string; ifName: string }>, index: number): string {
  const hash = createHash("sha256").update(attachmentKey(attachment)).digest("hex");
  return `${hostLinkPrefix}${hash.slice(0, 10)}${index}`;
}

/** The address without its prefix length. */
export function ipOf(nic: Readonly<{ address: string }>): string {
  return nic.address.split("/")[0] ?? "";
}
