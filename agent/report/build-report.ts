import { createHash } from "node:crypto";
import type { ReportedHost } from "@wcs/api/ipam";
import { macOfAddress } from "@wcs/core/ipam";
import { parseIpv4Address } from "@wcs/core/ipv4";
import { hostLinkPrefix, ipOf } from "../attachment.ts";
import type { JournalEntry } from "../journal/journal.ts";

type ReportedAddress = ReportedHost["addresses"][number];

/** A link of the host, as far as it tells what is plumbed. */
export type SeenLink = Readonly<{ name: string; kind: string | null; alias: string | null }>;

/** The form of names in the API (api/ipam); a container id may be longer or end otherwise, and then goes by its hash. */
const nameForm = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/;

function reportedName(text: string): string {
  return nameForm.test(text) ? text : createHash("sha256").update(text).digest("hex");
}

/**
 * What the host has, by the journal and the kernel together. An instance's NIC is there once its ADD was committed and while its port exists:
 * after a reboot it is not, until its next sandbox is. An address of the dynamic block is the host's as long as the journal holds it, port or
 * not. A port of ours that no record knows is told too, with the address in its alias.
 */
export function buildReport(entries: Iterable<JournalEntry>, links: readonly SeenLink[]): readonly ReportedAddress[] {
  const ports = new Map(
    links
      .filter(({ name, kind }) => kind === "veth" && name.startsWith(hostLinkPrefix))
      .map((link) => [link.name, link]),
  );
  const addresses: ReportedAddress[] = [];
  for (const { attachment, phase } of entries) {
    const { instance, generation, pod } = attachment;
    const containerId = reportedName(attachment.containerId);
    for (const [index, nic] of attachment.nics.entries()) {
      const hasPort = ports.delete(nic.hostLink);
      if (instance !== null && (phase !== "present" || !hasPort)) continue;
      addresses.push({
        ip: ipOf(nic),
        mac: nic.mac,
        // The ledger knows the first NIC as eth0 (core/ipam), whatever the runtime calls it.
        nic: index === 0 ? "eth0" : nic.name,
        instance,
        generation,
        podUid: pod === null ? containerId : reportedName(pod.uid),
        containerId,
      });
    }
  }
  const known = new Set(addresses.map(({ ip }) => ip));
  for (const { alias } of ports.values()) {
    const [key = "", ip = ""] = alias?.split(" ") ?? [];
    const address = parseIpv4Address(ip);
    if (address === null || known.has(ip)) continue;
    known.add(ip);
    const containerId = reportedName(key.split("/")[0] ?? "");
    const mac = macOfAddress(address);
    addresses.push({ ip, mac, nic: "eth0", instance: null, generation: null, podUid: containerId, containerId });
  }
  return addresses;
}
