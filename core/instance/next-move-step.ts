import type { HostHealth } from "./host-health.ts";

/** One question to the rack whether anybody answers for an address (ARP): when it was asked, and the MAC that answered. */
export type AddressProbe = Readonly<{ atMs: number; answeredBy: string | null }>;

/** What is known of one instance's move off a lost host. */
export type MoveFacts = Readonly<{
  nowMs: number;
  oldHost: HostHealth;
  /** Probes of the instance's addresses since the move began, oldest first. */
  probes: readonly AddressProbe[];
  /** The instance's record names the new host: the move is decided. */
  bound: boolean;
  /** The old Node carries the fence by which its agent refuses what was there, or the Node is gone. */
  fenced: boolean;
  /** What the cluster still has of the instance on its old host. */
  oldObjects: "gone" | "there" | "unknown";
  /** The new pod is as the instance's wish wants it. */
  arrived: boolean;
  /** The new pod should have been Ready by then; null before the move is decided. */
  dueMs: number | null;
}>;

export type MoveStep =
  | Readonly<{ step: "probe" | "bind" | "fence" | "clear" | "done"; reason: string }>
  | Readonly<{ step: "wait"; reason: string; untilMs: number | null }>
  | Readonly<{ step: "give-up" | "fail"; reason: string }>;

/** How often and over what time the addresses must have been silent. ARP answers in milliseconds; a stalled host may come back. */
export const silence = { probes: 3, spanMs: 2_000, freshMs: 10_000 } as const;

/**
 * The next step of a move. Until it is decided (`bind`) nothing on any cluster is touched, so a host that comes back, or an address that
 * answers, ends the move and the instance stays as it was. Once it is decided, the old host is fenced before the new pod may be made: what
 * the old host still has of the instance gets no network there again (docs/adr/0033).
 */
export function nextMoveStep(facts: MoveFacts): MoveStep {
  if (!facts.bound) {
    if (facts.oldHost.state !== "lost") {
      return facts.oldHost.state === "unknown"
        ? { step: "wait", reason: facts.oldHost.reason, untilMs: null }
        : { step: "give-up", reason: `the host is back (${facts.oldHost.reason}); the instance stays on it` };
    }
    const answer = facts.probes.find(({ answeredBy }) => answeredBy !== null);
    if (answer !== undefined) {
      return {
        step: "give-up",
        reason: `its address still answers on its rack (${answer.answeredBy}): the old container lives, so it is not moved`,
      };
    }
    if (!isSilent(facts)) {
      const last = facts.probes.at(-1);
      const dueMs = last === undefined ? facts.nowMs : last.atMs + silence.spanMs / (silence.probes - 1);
      return dueMs <= facts.nowMs
        ? { step: "probe", reason: "its addresses must be silent on their rack" }
        : { step: "wait", reason: "between two probes of its addresses", untilMs: dueMs };
    }
    return { step: "bind", reason: "its host is lost and its addresses are silent: it is given its new host" };
  }
  if (!facts.fenced) return { step: "fence", reason: "the old host's agent must refuse what it has of it" };
  if (facts.oldObjects === "unknown") {
    return { step: "wait", reason: "the cluster of the old host does not answer", untilMs: null };
  }
  if (facts.oldObjects === "there") return { step: "clear", reason: "the old pod is taken off the old host" };
  if (facts.arrived) return { step: "done", reason: "it is on its new host with its addresses" };
  if (facts.dueMs !== null && facts.nowMs > facts.dueMs) {
    return { step: "fail", reason: "its new pod is not Ready in time" };
  }
  return { step: "wait", reason: "its new pod is not Ready yet", untilMs: facts.dueMs };
}

function isSilent({ probes, nowMs }: MoveFacts): boolean {
  const fresh = probes.filter(({ atMs }) => nowMs - atMs <= silence.freshMs);
  const first = fresh[0];
  const last = fresh.at(-1);
  return (
    first !== undefined &&
    last !== undefined &&
    fresh.length >= silence.probes &&
    last.atMs - first.atMs >= silence.spanMs
  );
}
