import { attachmentKey, ipOf, type Attachment } from "../attachment.ts";
import type { JournalEntry } from "../journal/journal.ts";
import type { HostView } from "../view/host-view.ts";
import { CniError, cniCodes } from "./cni-error.ts";

/**
 * Whether a new attachment may have the address that an old one of this host holds: the reason why not, or null.
 * The same pod's new sandbox may; so may an instance's new pod once the old one has ended; nobody else.
 */
export function refusalToTakeOver(wanted: Attachment, old: Attachment, view: HostView): string | null {
  if (old.pod !== null && wanted.pod !== null && old.pod.uid === wanted.pod.uid) return null;
  const holder = old.pod ? `pod ${old.pod.namespace}/${old.pod.name} (${old.pod.uid})` : `container ${old.containerId}`;
  if (wanted.instance === null || old.instance !== wanted.instance) {
    return `it is held by ${old.instance === null ? "" : `instance ${old.instance}, `}${holder}`;
  }
  if ((old.generation ?? 0) > (wanted.generation ?? 0)) {
    return `${holder} has it under generation ${old.generation}, this pod asks under ${wanted.generation}: it is the older one`;
  }
  const pod = old.pod === null ? undefined : view.podByUid(old.pod.uid);
  return pod !== undefined && !pod.ended ? `${holder} of the same instance still runs` : null;
}

/** The old attachments whose addresses a new one needs. Throws when one of them may not be taken over. */
export function attachmentsInTheWay(
  wanted: Attachment,
  {
    entryOf,
    ownerOf,
    view,
  }: Readonly<{
    entryOf: (key: string) => JournalEntry | undefined;
    ownerOf: (ip: string) => string | undefined;
    view: HostView;
  }>,
): string[] {
  const own = attachmentKey(wanted);
  const keys = new Set<string>();
  for (const nic of wanted.nics) {
    const key = ownerOf(ipOf(nic));
    if (key === undefined || key === own) continue;
    const entry = entryOf(key);
    if (!entry) continue;
    const refusal = refusalToTakeOver(wanted, entry.attachment, view);
    if (refusal !== null) {
      throw new CniError(cniCodes.addressInUse, `address ${ipOf(nic)} is in use on this host`, refusal);
    }
    keys.add(key);
  }
  return [...keys];
}
