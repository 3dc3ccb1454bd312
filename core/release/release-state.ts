/** The states of a release. What comes after `done`, `failed` and `aborted` is another release, or the rolling back of this one. */
export const releaseStates = [
  "planned",
  "awaiting-approval",
  "approved",
  "running",
  "paused",
  "waiting",
  "verifying",
  "done",
  "failed",
  "aborted",
  "rejected",
  "rolling-back",
  "rolled-back",
] as const;
export type ReleaseState = (typeof releaseStates)[number];

/** What people do to a release. */
export const releaseActions = [
  "submit",
  "approve",
  "reject",
  "start",
  "pause",
  "continue",
  "abort",
  "roll-back",
] as const;
export type ReleaseAction = (typeof releaseActions)[number];

const actions: Readonly<Record<ReleaseState, Partial<Readonly<Record<ReleaseAction, ReleaseState>>>>> = {
  planned: { submit: "awaiting-approval", abort: "aborted" },
  "awaiting-approval": { approve: "approved", reject: "rejected", abort: "aborted" },
  approved: { start: "running", abort: "aborted" },
  running: { pause: "paused", abort: "aborted" },
  waiting: { pause: "paused", abort: "aborted" },
  verifying: { abort: "aborted", "roll-back": "rolling-back" },
  paused: { continue: "running", abort: "aborted", "roll-back": "rolling-back" },
  failed: { continue: "running", abort: "aborted", "roll-back": "rolling-back" },
  aborted: { "roll-back": "rolling-back" },
  done: { "roll-back": "rolling-back" },
  rejected: {},
  "rolling-back": {},
  "rolled-back": {},
};

/** The state that an action leads to, or why it cannot be done now. */
export function actOnRelease(
  state: ReleaseState,
  action: ReleaseAction,
): { state: ReleaseState } | { problem: string } {
  const next = actions[state][action];
  if (next !== undefined) return { state: next };
  const possible = Object.keys(actions[state]).join(", ") || "nothing more";
  return { problem: `a release that is ${state} cannot ${action}; what can be done now: ${possible}` };
}

/** States in which the release holds its instances, so that no other release may take them. */
export function holdsInstances(state: ReleaseState): boolean {
  return ["running", "paused", "waiting", "verifying", "failed", "rolling-back"].includes(state);
}

/** States in which the reconciler works on the release. */
export function isMoving(state: ReleaseState): boolean {
  return state === "running" || state === "waiting" || state === "verifying";
}
