import { attachmentKey, hostLinkPrefix, type AttachedNic } from "../attachment.ts";
import type { Journal } from "../journal/journal.ts";
import type { Announcer } from "../plumbing/announcer.ts";
import { installGuard } from "../plumbing/guard.ts";
import type { HostNetwork } from "../plumbing/host-network.ts";
import { unplumb } from "../plumbing/plumb.ts";

/**
 * Brings kernel and journal together after a crash or a reboot. An ADD that has no commit was never answered: it is rolled
 * back. What was committed stays held, with or without links: its DEL, its pod's next sandbox or the leak finder ends it.
 */
export async function recover({
  journal,
  host,
  announcer,
  antiSpoofing,
  log,
}: Readonly<{
  journal: Journal;
  host: HostNetwork;
  announcer: Announcer;
  antiSpoofing: boolean;
  log: (line: string) => void;
}>): Promise<void> {
  if (journal.damaged > 0) {
    log(
      `journal: ${journal.damaged} lines are damaged; links without a record keep their addresses until they are ended`,
    );
  }
  const links = await host.netlink.listLinks(host.namespace);
  const present = new Set(links.filter(({ name }) => name.startsWith(hostLinkPrefix)).map(({ name }) => name));
  const live: AttachedNic[] = [];
  const broken = [];
  for (const { attachment, phase } of journal.entries.values()) {
    if (phase === "present") live.push(...attachment.nics.filter(({ hostLink }) => present.has(hostLink)));
    else broken.push(attachment);
  }
  if (antiSpoofing) await installGuard(live);
  for (const attachment of broken) {
    const key = attachmentKey(attachment);
    log(`${key}: its ADD was cut off; rolled back`);
    await unplumb({ host, announcer, antiSpoofing }, attachment);
    await journal.append({ op: "removed", key });
  }
}
