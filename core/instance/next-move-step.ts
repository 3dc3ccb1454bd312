import type { HostHealth } from "./host-health.ts";

/** One question to the rack whether anybody answers for an address (ARP): when it was asked, and the MAC that answered. */
export type AddressProbe = Readonly<{ atMs: number; answeredBy: string | null }>;

/** What is known of one instance's move off a lost host. */
export type MoveFacts = Readonly<{
  nowMs: number;
  oldHost: HostHealth;
  /** The pod that was on the old host when the move was decided. */
  oldPodUid: string;
  /** The old pod's uid stands in the list on the old Node by which its agent refuses and removes pods. */
  fenced: boolean;
  /** Probes of the instance's addresses since the fence was written. */
  probes: readonly AddressProbe[];
  /** The uid of the pod that the API server has for the instance now. */
  podUid: string | null;
  /** The StatefulSet names the new host. */
  boundToNewHost: boolean;
  newPodReady: boolean;
}>;

export type MoveStep =
  | Readonly<{ step: "fence" | "probe" | "bind" | "delete-old-pod" | "done"; reason: string }>
  | Readonly<{ step: "wait"; reason: string; untilMs: number | null }>
  | Readonly<{ step: "give-up"; reason: string }>;

/** How often and over what time the addresses must have been silent. ARP answers in milliseconds; a stalled host may come back. */
export const silence = { probes: 3, spanMs: 2_000, freshMs: 10_000 } as const;

/**
 * The next step of a move. The order makes sure that the old container is gone and stays gone before a new one may have its address: the
 * fence is written first, then the addresses are found silent, then the instance is bound to the new host, then the old pod is deleted. Until
 * it is bound, a host that comes back, or an address that answers, ends the move and the instance stays where it is.
 */
export function nextMoveStep(facts: MoveFacts): MoveStep {
  if (!facts.boundToNewHost) {
    if (facts.oldHost.state !== "lost") {
      return facts.oldHost.state === "unknown"
        ? { step: "wait", reason: facts.oldHost.reason, untilMs: null }
        : { step: "give-up", reason: `the host is back (${facts.oldHost.reason}); the instance stays on it` };
    }
    if (!facts.fenced) {
      return { step: "fence", reason: "the old host's agent must refuse the old pod should it return" };
    }
    const answer = facts.probes.find(({ answeredBy }) => answeredBy !== null);
    if (answer !== undefined) {
      return {
        step: "give-up",
        reason: `the address still answers on its rack (${answer.answeredBy}): the old container lives`,
      };
    }
    if (!isSilent(facts)) {
      const last = facts.probes.at(-1);
      const dueMs = last === undefined ? facts.nowMs : last.atMs + silence.spanMs / (silence.probes - 1);
      return dueMs <= facts.nowMs
        ? { step: "probe", reason: "the addresses must be silent on their rack" }
        : { step: "wait", reason: "between two probes of the addresses", untilMs: dueMs };
    }
    return { step: "bind", reason: "the old container is cut off; the instance is given its new host" };
  }
  if (facts.podUid === facts.oldPodUid) {
    return { step: "delete-old-pod", reason: "the StatefulSet makes the new pod when the old one is gone" };
  }
  return facts.newPodReady
    ? { step: "done", reason: "the instance is Ready on its new host" }
    : { step: "wait", reason: "the new pod is not Ready yet", untilMs: null };
}

function isSilent({ probes, nowMs }: MoveFacts): boolean {
  const first = probes[0];
  const last = probes.at(-1);
  return (
    first !== undefined &&
    last !== undefined &&
    probes.length >= silence.probes &&
    last.atMs - first.atMs >= silence.spanMs &&
    nowMs - last.atMs <= silence.freshMs
  );
}
