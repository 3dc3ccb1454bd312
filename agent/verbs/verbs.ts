import { statSync } from "node:fs";
import { NetlinkError, type Namespace } from "@wcs/netlink";
import { attachmentKey, ipOf, type Attachment } from "../attachment.ts";
import type { Faults } from "../fault-points.ts";
import { JournalError } from "../journal/journal.ts";
import { createKeyLock } from "../key-lock.ts";
import { plumb, unplumb, unplumbUnknown, type PlumbingOptions } from "../plumbing/plumb.ts";
import { verifyAttachment } from "../plumbing/verify.ts";
import { checkPrevResult } from "./check-prev-result.ts";
import { supportedVersions, type CniCall } from "./cni-call.ts";
import { CniError, cniCodes } from "./cni-error.ts";
import { isStillGranted, planAttachment, type PlanOptions } from "./plan-nics.ts";
import { formatResult } from "./result.ts";
import { attachmentsInTheWay } from "./take-over.ts";

export type VerbOptions = Readonly<{
  plumbing: PlumbingOptions;
  plan: PlanOptions;
  faults: Faults;
  log: (line: string) => void;
}>;

/** The verbs of the CNI spec. Each answers the text of stdout, or throws a `CniError`. */
export type Verbs = Readonly<{
  run: (call: CniCall) => Promise<Record<string, unknown> | null>;
  /** Ends an attachment if it is still the very one that `expected` says (compare-and-swap); true when it did. */
  endAttachment: (key: string, expected: Attachment) => Promise<boolean>;
}>;

const lockWaitMs = 30_000;
const planAttempts = 50;

export function createVerbs(options: VerbOptions): Verbs {
  const { plumbing, plan, faults, log } = options;
  const { journal, view } = plan;
  const { host } = plumbing;
  const locked = createKeyLock({
    waitMs: lockWaitMs,
    tooLong: (key) =>
      new CniError(cniCodes.tryAgainLater, `another call for ${key} is still under way; try again later`),
  });

  async function inPodNamespace<T>(path: string, work: (pod: Namespace) => Promise<T>): Promise<T> {
    let pod: Namespace;
    try {
      if (statSync(path).ino === statSync("/proc/self/ns/net").ino) {
        throw new CniError(cniCodes.invalidNetworkNamespace, "CNI_NETNS is the host's own network namespace", path);
      }
      pod = await host.netlink.openNamespace(path);
    } catch (error) {
      if (error instanceof CniError) throw error;
      throw new CniError(cniCodes.invalidNetworkNamespace, `network namespace ${path} can't be opened`, String(error));
    }
    try {
      return await work(pod);
    } finally {
      // Nobody waits for it: the worker closes it after what was asked before.
      host.netlink.closeNamespace(pod).catch((error: unknown) => log(`${path}: ${String(error)}`));
    }
  }

  /** Takes away links first and the record after, so that a crash in between leaves a record that is found and ended again. */
  async function end(attachment: Attachment): Promise<void> {
    await unplumb(plumbing, attachment);
    await faults("del.unplumbed");
    try {
      await journal.append({ op: "removed", key: attachmentKey(attachment) });
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      // The disk is full. In memory the address is free; after a crash the record would be back, without links, for the leak finder.
      log(`${attachmentKey(attachment)}: ended, but not yet on the disk: ${error.message}`);
    }
    await faults("del.recorded");
  }

  /** Decides the addresses and writes the intent, with whoever is in the way ended before. */
  async function claim(call: CniCall): Promise<Attachment> {
    let kept: string | null = null;
    for (let attempt = 1; ; attempt += 1) {
      const wanted = await planAttachment(plan, call, kept);
      const inTheWay = attachmentsInTheWay(wanted, {
        entryOf: (key) => journal.entries.get(key),
        ownerOf: journal.ownerOf,
        view,
      });
      if (inTheWay.length === 0) {
        await faults("add.planned");
        // Another call may have taken the address while this one was elsewhere; from here to the journal nothing waits.
        const stillFree = wanted.nics.every((nic) => journal.ownerOf(ipOf(nic)) === undefined);
        if (stillFree && isStillGranted(plan, wanted)) {
          await journal.append({ op: "adding", attachment: wanted });
          return wanted;
        }
      }
      kept = wanted.instance === null && wanted.nics[0] ? ipOf(wanted.nics[0]) : null;
      for (const key of inTheWay) {
        log(`${attachmentKey(wanted)}: takes over the address of ${key}`);
        await locked(key, async () => {
          const entry = journal.entries.get(key);
          if (entry) await end(entry.attachment);
        });
      }
      if (attempt === planAttempts) {
        throw new CniError(cniCodes.tryAgainLater, "other calls took every address in turn; try again later");
      }
    }
  }

  async function add(call: CniCall): Promise<Record<string, unknown>> {
    const key = attachmentKey(call);
    const resultOf = (attachment: Attachment) =>
      formatResult(attachment, { version: call.config.cniVersion, extraRoutes: plumbing.extraRoutes });
    return locked(key, () =>
      inPodNamespace(call.netns, async (pod) => {
        const before = journal.entries.get(key);
        if (before?.phase === "present" && before.attachment.netns === call.netns) {
          const { attachment } = before;
          const problems = await verifyAttachment(host, pod, { attachment, extraRoutes: plumbing.extraRoutes });
          if (problems.length === 0) return resultOf(attachment);
          log(`${key}: added again, since ${problems.join("; ")}`);
        }
        if (before) await end(before.attachment);
        const attachment = await claim(call);
        try {
          await faults("add.journaled");
          await plumb(plumbing, attachment, pod);
          await journal.append({ op: "present", key }).catch(async (error: unknown) => {
            await unplumb(plumbing, attachment);
            throw error;
          });
        } catch (error) {
          await journal.append({ op: "removed", key }).catch((late: unknown) => log(`${key}: ${String(late)}`));
          throw error;
        }
        await faults("add.committed");
        return resultOf(attachment);
      }),
    );
  }

  async function remove(call: CniCall): Promise<null> {
    const key = attachmentKey(call);
    await locked(key, async () => {
      await faults("del.started");
      const entry = journal.entries.get(key);
      if (entry) await end(entry.attachment);
      else await unplumbUnknown(host, call);
    });
    return null;
  }

  async function check(call: CniCall): Promise<null> {
    const key = attachmentKey(call);
    const { prevResult } = call.config;
    if (prevResult === null) throw new CniError(cniCodes.invalidNetworkConfig, "Required prevResult missing");
    return locked(key, () =>
      inPodNamespace(call.netns, async (pod) => {
        const entry = journal.entries.get(key);
        if (entry?.phase !== "present") throw new CniError(cniCodes.unknownContainer, `${key} was not added here`);
        const { attachment } = entry;
        const problems = [
          ...checkPrevResult(attachment, prevResult),
          ...(await verifyAttachment(host, pod, { attachment, extraRoutes: plumbing.extraRoutes })),
        ];
        if (problems.length > 0) {
          throw new CniError(
            cniCodes.notAsAsked,
            "the container's network is not what was asked for",
            problems.join("; "),
          );
        }
        return null;
      }),
    );
  }

  async function endAttachment(key: string, expected: Attachment): Promise<boolean> {
    return locked(key, async () => {
      const entry = journal.entries.get(key);
      if (entry?.attachment !== expected) return false;
      await end(expected);
      return true;
    });
  }

  /**
   * Ends what the runtime no longer has. The reservations are read first: what was added after is none of this call's. A pod
   * that the cluster has bound here and not ended keeps its attachment, whatever the list says: the list may be older than it.
   */
  async function collect(call: CniCall): Promise<null> {
    const { validAttachments, name } = call.config;
    // No list (cnitool gc gives none) is no word on what is alive: then nothing is known to be garbage.
    if (validAttachments === null) return null;
    const valid = new Set(validAttachments.map(attachmentKey));
    const held = [...journal.entries].filter(([, { attachment }]) => attachment.network === name);
    const failures: string[] = [];
    for (const [key, { attachment, phase }] of held) {
      if (valid.has(key) || phase !== "present") continue;
      const pod = attachment.pod === null ? undefined : view.podByUid(attachment.pod.uid);
      if (pod !== undefined && !pod.ended && isThere(attachment.netns)) {
        log(`${key}: not in the runtime's list, but its pod runs and its namespace is there; kept`);
        continue;
      }
      try {
        await endAttachment(key, attachment);
      } catch (error) {
        failures.push(`${key}: ${String(error)}`);
      }
    }
    if (failures.length > 0) {
      throw new CniError(cniCodes.unexpected, "some attachments could not be ended", failures.join("; "));
    }
    return null;
  }

  async function status(): Promise<null> {
    const reasons: string[] = [];
    if (journal.failure() !== null) reasons.push(journal.failure() ?? "");
    if (!view.known()) {
      reasons.push("the pods of this host are not known: no copy on disk, and the cluster does not answer");
    }
    for (const bridge of host.bridges.values()) {
      const link = await host.netlink.findLink(host.namespace, { index: bridge.index });
      if (!link) reasons.push(`bridge ${bridge.name} is gone`);
      else if (!link.up) reasons.push(`bridge ${bridge.name} is down`);
    }
    if (reasons.length > 0) throw new CniError(cniCodes.notAvailable, "this host can't serve", reasons.join("; "));
    return null;
  }

  const handlers: Record<CniCall["verb"], (call: CniCall) => Promise<Record<string, unknown> | null>> = {
    ADD: add,
    DEL: remove,
    CHECK: check,
    GC: collect,
    STATUS: status,
    VERSION: () => Promise.resolve({ cniVersion: "1.1.0", supportedVersions }),
  };
  return {
    run: async (call) => {
      try {
        return await handlers[call.verb](call);
      } catch (error) {
        if (error instanceof JournalError) {
          throw new CniError(cniCodes.journalNotWritable, "this host can't keep records", error.message);
        }
        if (error instanceof NetlinkError) {
          throw new CniError(
            cniCodes.kernelRefused,
            `the kernel refused: ${error.operation}`,
            `${error.code} ${error.detail ?? ""}`,
          );
        }
        throw error;
      }
    },
    endAttachment,
  };
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
