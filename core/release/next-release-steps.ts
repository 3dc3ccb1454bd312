import type { ReleaseBatch } from "./plan-batches.ts";

/** What has to hold for an instance before its batch counts as passed. */
export type ReleaseGates = Readonly<{
  /** An instance that is not Ready so long after its change was made has failed. */
  readyTimeoutSeconds: number;
  /** How long it must have been Ready without a break. */
  soakSeconds: number;
  /** Asked of the instance's address after the soak, again and again for so long; a status of 200 to 399 passes. */
  http: Readonly<{ path: string; port: number; timeoutSeconds: number }> | null;
}>;

/** What is seen of one instance of a release at one moment. */
export type TargetFacts = Readonly<{
  /** Since when its cluster has answered without a gap; null while it is away. */
  clusterAnswersSinceMs: number | null;
  /** Its running pod is the one that this release wants. */
  atVersion: boolean;
  /** When this release first made its change; null before. */
  changedAtMs: number | null;
  readySinceMs: number | null;
  /** It is to stand still and does: at its version it has passed, since there is nothing to be Ready or to be asked. */
  stopped: boolean;
  /** The newest HTTP check since it was last Ready. */
  http: Readonly<{ atMs: number; passed: boolean; detail: string }> | null;
  /** Its batch's gates have held for it once; what happens to it later is drift, not this release. */
  passed: boolean;
  /** Something about its new pod that will not mend by waiting: an image that is not there, a container that keeps ending. */
  trouble: string | null;
  /** Why its host is lost; null when it is not. */
  hostLost: string | null;
}>;

export type ReleaseFacts = Readonly<{
  nowMs: number;
  batches: readonly ReleaseBatch[];
  gates: ReleaseGates;
  targets: ReadonlyMap<string, TargetFacts>;
  /** Numbers of the batches after which somebody has said to go on. */
  confirmedPauses: ReadonlySet<number>;
  /** The end of the freeze that holds now; null when none does or it is broken with a reason. */
  frozenUntilMs: number | null;
  /** Whether later instances may go on while a cluster is away. */
  goOnWithoutCluster: boolean;
}>;

/** `change` brings the new version to an instance, `check-http` asks it, `pass` records that its gates have held. */
export type ReleaseStep = Readonly<{ step: "change" | "check-http" | "pass"; instance: string }>;
export type ReleaseProgress = Readonly<{
  state: "running" | "paused" | "waiting" | "failed" | "verifying";
  reason: string;
  /** The batch being worked on; null when all have passed. */
  batch: number | null;
  steps: readonly ReleaseStep[];
  failed: readonly Readonly<{ instance: string; reason: string }>[];
  /** When to look again although nothing was seen to change. */
  wakeAtMs: number | null;
}>;

/** How long after an HTTP check that did not pass it is asked again. */
const httpEveryMs = 1000;

type Phase =
  | Readonly<{ phase: "untouched" | "passed" | "away" }>
  | Readonly<{ phase: "changing" | "gating"; wakeAtMs: number | null; step: ReleaseStep["step"] | null }>
  | Readonly<{ phase: "failed"; reason: string }>;

/**
 * What to do next for a release. It looks at what is, not at what was done, so it may be asked again at any time, by any server, after any
 * crash: a change that has been made is not asked for again, and one that was lost is.
 */
export function nextReleaseSteps(facts: ReleaseFacts): ReleaseProgress {
  let away = 0;
  for (const batch of facts.batches) {
    const phases = batch.instances.map((instance) => [instance, phaseOf(facts, instance)] as const);
    const failed = phases.flatMap(([instance, phase]) =>
      phase.phase === "failed" ? [{ instance, reason: phase.reason }] : [],
    );
    if (failed.length > 0) {
      const reason = `batch ${batch.number} failed on ${failed.map(({ instance }) => instance).join(", ")}`;
      return { state: "failed", reason, batch: batch.number, steps: [], failed, wakeAtMs: null };
    }
    const open = phases.filter(([, { phase }]) => phase !== "passed" && phase !== "away");
    const missing = phases.filter(([, { phase }]) => phase === "away").length;
    if (open.length > 0) return workOn(facts, batch, open);
    if (missing > 0 && !facts.goOnWithoutCluster) {
      return waiting(
        batch.number,
        `${missing} instances of batch ${batch.number} are on a cluster that does not answer`,
      );
    }
    away += missing;
    if (batch.pauseAfter && !facts.confirmedPauses.has(batch.number)) {
      const reason = `batch ${batch.number} of ${facts.batches.length} has passed; somebody has to say to go on`;
      return { state: "paused", reason, batch: batch.number, steps: [], failed: [], wakeAtMs: null };
    }
  }
  if (away > 0) return waiting(null, `${away} instances are on a cluster that does not answer; all others have passed`);
  return { state: "verifying", reason: "every batch has passed", batch: null, steps: [], failed: [], wakeAtMs: null };
}

function waiting(batch: number | null, reason: string, wakeAtMs: number | null = null): ReleaseProgress {
  return { state: "waiting", reason, batch, steps: [], failed: [], wakeAtMs };
}

function workOn(
  facts: ReleaseFacts,
  batch: ReleaseBatch,
  open: readonly (readonly [string, Phase])[],
): ReleaseProgress {
  const steps: ReleaseStep[] = [];
  const wakes: number[] = [];
  let changing = 0;
  for (const [instance, phase] of open) {
    if (phase.phase !== "changing" && phase.phase !== "gating") continue;
    if (phase.phase === "changing") changing += 1;
    if (phase.step !== null) steps.push({ step: phase.step, instance });
    if (phase.wakeAtMs !== null) wakes.push(phase.wakeAtMs);
  }
  const untouched = open.filter(([, { phase }]) => phase === "untouched").map(([instance]) => instance);
  const frozen = facts.frozenUntilMs !== null;
  if (frozen && untouched.length === open.length) {
    return waiting(batch.number, "a freeze window holds", facts.frozenUntilMs);
  }
  if (!frozen) {
    const room = Math.max(0, batch.atOnce - changing);
    for (const instance of untouched.slice(0, room)) steps.push({ step: "change", instance });
  }
  return {
    state: "running",
    reason: `batch ${batch.number} of ${facts.batches.length}: ${open.length} of ${batch.instances.length} instances to go`,
    batch: batch.number,
    steps,
    failed: [],
    wakeAtMs: wakes.length === 0 ? null : Math.min(...wakes),
  };
}

function phaseOf({ targets, gates, nowMs }: ReleaseFacts, instance: string): Phase {
  const target = targets.get(instance);
  if (target === undefined) throw new TypeError(`nothing is known of ${instance}`);
  if (target.passed) return { phase: "passed" };
  if (target.clusterAnswersSinceMs === null) return { phase: "away" };
  if (target.hostLost !== null) return { phase: "failed", reason: `its host is lost: ${target.hostLost}` };
  // What an instance suffers from before its change may be what the release is to mend.
  if (target.changedAtMs === null) return { phase: "untouched" };
  if (target.trouble !== null) return { phase: "failed", reason: target.trouble };
  if (target.stopped && target.atVersion) return { phase: "gating", wakeAtMs: null, step: "pass" };
  if (!target.atVersion || target.readySinceMs === null) {
    // Time during which the cluster was away does not count against the instance.
    const startMs = Math.max(target.changedAtMs, target.clusterAnswersSinceMs);
    const deadlineMs = startMs + gates.readyTimeoutSeconds * 1000;
    if (nowMs >= deadlineMs) {
      return { phase: "failed", reason: `not Ready ${gates.readyTimeoutSeconds} s after its change` };
    }
    return { phase: "changing", wakeAtMs: deadlineMs, step: target.atVersion ? null : "change" };
  }
  const soakedMs = target.readySinceMs + gates.soakSeconds * 1000;
  if (nowMs < soakedMs) return { phase: "gating", wakeAtMs: soakedMs, step: null };
  if (gates.http !== null) {
    if (target.http === null || target.http.atMs < soakedMs) {
      return { phase: "gating", wakeAtMs: null, step: "check-http" };
    }
    if (!target.http.passed) {
      const { timeoutSeconds } = gates.http;
      if (target.http.atMs >= soakedMs + timeoutSeconds * 1000) {
        return { phase: "failed", reason: `HTTP check, for ${timeoutSeconds} s: ${target.http.detail}` };
      }
      const againMs = target.http.atMs + httpEveryMs;
      return nowMs < againMs
        ? { phase: "gating", wakeAtMs: againMs, step: null }
        : { phase: "gating", wakeAtMs: null, step: "check-http" };
    }
  }
  return { phase: "gating", wakeAtMs: null, step: "pass" };
}
