import { statSync } from "node:fs";
import { hostLinkPrefix, type Attachment } from "../attachment.ts";
import type { Journal } from "../journal/journal.ts";
import type { HostNetwork } from "../plumbing/host-network.ts";
import type { HostView } from "../view/host-view.ts";

export type LeakFinder = Readonly<{
  /** One look; what was seen in the last look too, and for long enough, is ended. */
  look: () => Promise<void>;
  /** Addresses on live ports that the journal does not know. */
  strayAddresses: () => ReadonlySet<string>;
}>;

type Suspect = Readonly<{ subject: Attachment | number; sinceMs: number }>;

/**
 * Finds attachments whose container is gone (its DEL never came), and links of ours that nobody holds. The reservations are read
 * before the running world: an attachment that comes in between is in neither list of suspects (whereabouts #162, #207). A
 * leak must be seen in two looks, `graceMs` apart by the monotonic clock, and still be the very same then.
 */
export function createLeakFinder(
  options: Readonly<{
    journal: Journal;
    host: HostNetwork;
    view: HostView;
    graceMs: number;
    endAttachment: (key: string, expected: Attachment) => Promise<boolean>;
    onLeak: (kind: "attachment" | "link", what: string) => void;
  }>,
): LeakFinder {
  const { journal, host, view, graceMs } = options;
  let suspects = new Map<string, Suspect>();
  let stray: ReadonlySet<string> = new Set();

  async function look(): Promise<void> {
    const held = new Map(journal.entries);
    const links = await host.netlink.listLinks(host.namespace);
    const ours = links.filter(({ name, kind }) => kind === "veth" && name.startsWith(hostLinkPrefix));
    const present = new Set(ours.map(({ name }) => name));
    const now = performance.now();
    const seen = new Map<string, Suspect>();
    const suspect = (name: string, subject: Attachment | number) => {
      const before = suspects.get(name);
      const since = before?.subject === subject ? before.sinceMs : now;
      seen.set(name, { subject, sinceMs: since });
      return before?.subject === subject && now - since >= graceMs;
    };

    for (const [key, { attachment, phase }] of held) {
      if (phase !== "present" || attachment.nics.some(({ hostLink }) => present.has(hostLink))) continue;
      if (attachment.netns !== "" && statSync(attachment.netns, { throwIfNoEntry: false }) !== undefined) continue;
      const pod = attachment.pod === null ? undefined : view.podByUid(attachment.pod.uid);
      // Its next sandbox takes the address over.
      if (pod !== undefined && !pod.ended) continue;
      if (suspect(`attachment ${key}`, attachment) && (await options.endAttachment(key, attachment))) {
        options.onLeak("attachment", key);
      }
    }

    // Read again: an ADD that came after the first reading has its record by now.
    const known = new Set(
      [...held.values(), ...journal.entries.values()].flatMap(({ attachment }) =>
        attachment.nics.map(({ hostLink }) => hostLink),
      ),
    );
    const strange = ours.filter(({ name }) => !known.has(name));
    stray = new Set(strange.flatMap(({ alias }) => alias?.split(" ")[1] ?? []));
    for (const link of strange) {
      if (!suspect(`link ${link.name}`, link.index)) continue;
      await host.netlink.removeLink(host.namespace, link.index);
      options.onLeak("link", link.name);
    }
    suspects = seen;
  }

  return { look, strayAddresses: () => stray };
}
