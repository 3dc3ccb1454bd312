import type { Ipv4Address } from "@wcs/core/ipv4";

/**
 * One address as a host has it, read from the kernel and the agent's journal. `instance` and `generation` are null for an address of
 * the host's dynamic block.
 */
export type HostAddress = Readonly<{
  address: Ipv4Address;
  mac: string;
  nic: string;
  instance: string | null;
  generation: number | null;
  podUid: string;
  containerId: string;
}>;

/** Somebody else answered for an address that the host was about to give to a pod: the MAC that answered. */
export type HostConflict = Readonly<{ address: Ipv4Address; mac: string }>;

/**
 * All that a host has. `sequence` grows with every report of an agent's life and over its restarts, so that a late one is known to
 * be late. `grantGeneration`: that of the dynamic block grant which it goes by; null: it has none.
 */
export type HostReport = Readonly<{
  host: string;
  sequence: number;
  grantGeneration: number | null;
  addresses: readonly HostAddress[];
  conflicts: readonly HostConflict[];
}>;
