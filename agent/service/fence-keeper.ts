import { existsSync, writeFileSync } from "node:fs";
import { fenceAnnotationName, formProblemsText, isFenced, parseHostFence, type HostFence } from "@wcs/core/ipam";
import { attachmentKey, type Attachment } from "../attachment.ts";
import type { Journal } from "../journal/journal.ts";
import { CniError, cniCodes } from "../verbs/cni-error.ts";
import type { HostView } from "../view/host-view.ts";

/** An instance under the generation of its pod's annotation. */
type Claim = Readonly<{ instance: string; generation: number }>;

export type FenceKeeper = Readonly<{
  /** Why this host may not give the instance's pod a network; null when it may. */
  refusal: (claim: Claim) => CniError | null;
  /** Takes the instances off the network that were moved away; to be called whenever the view has changed. */
  look: () => Promise<void>;
}>;

/**
 * Holds this host to the fence of its Node: instances that were moved away while the host was lost get no network here, and lose what they still
 * have. `startedMark` is a file that a reboot takes away (/run): after one, nothing of an instance is plumbed before the cluster itself
 * has said what is fenced, since the copy on disk is from before. Kubelet too starts no pod then before the API server has answered.
 */
export function createFenceKeeper(
  options: Readonly<{
    node: string;
    view: HostView;
    journal: Journal;
    startedMark: string;
    endAttachment: (key: string, expected: Attachment) => Promise<boolean>;
    log: (line: string) => void;
  }>,
): FenceKeeper {
  const { node, view, journal, log } = options;
  let isFresh = existsSync(options.startedMark);

  const knows = (): boolean => {
    if (isFresh || !view.synced()) return isFresh;
    writeFileSync(options.startedMark, "");
    isFresh = true;
    return true;
  };
  const fence = (): HostFence | CniError | null => {
    const text = view.fence();
    if (text === null) return null;
    const parsed = parseHostFence(text, node);
    if (parsed.ok) return parsed.value;
    const details = `${fenceAnnotationName}: ${formProblemsText(parsed.problems)}`;
    return new CniError(cniCodes.fenced, "what this host may no longer have can't be read", details);
  };

  return {
    refusal: (claim) => {
      if (!knows()) {
        const message =
          "the host has started anew and its cluster has not said yet what was moved away; try again later";
        return new CniError(cniCodes.tryAgainLater, message);
      }
      const now = fence();
      if (now === null || now instanceof CniError) return now;
      if (!isFenced(now, claim)) return null;
      const message = `instance ${claim.instance} was moved to another host while this one was lost`;
      return new CniError(cniCodes.fenced, message, `its pod here is of generation ${claim.generation}, an old one`);
    },
    look: async () => {
      knows();
      const now = fence();
      if (now instanceof CniError) return log(`${now.message}: ${now.details}`);
      if (now === null) return;
      for (const [key, { attachment }] of journal.entries) {
        const { instance, generation } = attachment;
        if (instance === null || generation === null || !isFenced(now, { instance, generation })) continue;
        if (await options.endAttachment(key, attachment)) {
          log(`${attachmentKey(attachment)}: ${instance} was moved away: taken off the network`);
        }
      }
    },
  };
}
