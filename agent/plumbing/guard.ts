import { spawn } from "node:child_process";
import { concatenatedKey, ipToBytes, linkNameKey, macToBytes, NetlinkError, type SetElements } from "@wcs/netlink";
import { hostLinkPrefix, ipOf, type AttachedNic } from "../attachment.ts";
import type { HostNetwork } from "./host-network.ts";

const table = "wcs_guard";
const addressSet = "addresses";

/**
 * What a pod may send (JR/T 0167-2020: forged IP and MAC are blocked): ARP and IPv4 from its own MAC and address, nothing else.
 * Every port of ours is guarded by its name, so that one without an entry passes nothing. The rules are static; a pod is an
 * element of a set, which costs no `nft` process per pod.
 */
function ruleset(elements: readonly string[]): string {
  const set = elements.length === 0 ? "" : `\nadd element bridge ${table} ${addressSet} { ${elements.join(", ")} }`;
  return `add table bridge ${table}
add set bridge ${table} ${addressSet} { type ifname . ether_addr . ipv4_addr; }
add chain bridge ${table} guard
add chain bridge ${table} from_pods { type filter hook prerouting priority -300; policy accept; }
flush chain bridge ${table} from_pods
flush chain bridge ${table} guard
flush set bridge ${table} ${addressSet}${set}
add rule bridge ${table} guard ether type ip iifname . ether saddr . ip saddr @${addressSet} accept
add rule bridge ${table} guard ether type arp iifname . ether saddr . arp saddr ip @${addressSet} iifname . arp saddr ether . arp saddr ip @${addressSet} accept
add rule bridge ${table} guard counter drop comment "not the pod's own"
add rule bridge ${table} from_pods iifname "${hostLinkPrefix}*" goto guard
`;
}

/** Puts the rules in place in one transaction, with exactly these NICs allowed. */
export async function installGuard(nics: readonly AttachedNic[]): Promise<void> {
  const elements = nics.map((nic) => `"${nic.hostLink}" . ${nic.mac} . ${ipOf(nic)}`);
  const child = spawn("nft", ["-f", "-"], { stdio: ["pipe", "ignore", "pipe"] });
  const said: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  child.stdin.end(ruleset(elements));
  const status = await ended.catch((error: unknown) => {
    throw new Error(`anti-spoofing needs the nft program: ${String(error)}`, { cause: error });
  });
  if (status !== 0) throw new Error(`nft refused the anti-spoofing rules: ${Buffer.concat(said).toString().trim()}`);
}

function elementOf(nic: AttachedNic): SetElements {
  const key = concatenatedKey([linkNameKey(nic.hostLink), macToBytes(nic.mac), ipToBytes(ipOf(nic))]);
  return { table, set: addressSet, keys: [key] };
}

/** Lets NICs send as themselves. */
export function allowNics({ netlink, namespace }: HostNetwork, nics: readonly AttachedNic[]): Promise<void> {
  return netlink.addElements(namespace, nics.map(elementOf));
}

/** Takes that back; what is not there is no error. */
export async function forbidNics({ netlink, namespace }: HostNetwork, nics: readonly AttachedNic[]): Promise<void> {
  for (const nic of nics) {
    try {
      await netlink.removeElements(namespace, [elementOf(nic)]);
    } catch (error) {
      if (!(error instanceof NetlinkError && error.code === "ENOENT")) throw error;
    }
  }
}
