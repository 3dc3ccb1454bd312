/** What an environment asks of a change. */
export type ChangeRules = Readonly<{
  /** How many people other than the requester must approve the plan. */
  approvals: number;
  ticketNeeded: boolean;
  rollbackTargetNeeded: boolean;
  verificationNeeded: boolean;
  /** Whoever says to go on at a pause is not the one who started the release. */
  secondPersonAtPauses: boolean;
}>;

export const productionRules: ChangeRules = {
  approvals: 1,
  ticketNeeded: true,
  rollbackTargetNeeded: true,
  verificationNeeded: true,
  secondPersonAtPauses: true,
};

export const freeRules: ChangeRules = {
  approvals: 0,
  ticketNeeded: false,
  rollbackTargetNeeded: false,
  verificationNeeded: false,
  secondPersonAtPauses: false,
};

export type Approval = Readonly<{ by: string; planHash: string }>;

/** Why a person may not approve this plan now; null when they may. Rights are the caller's to check before. */
export function approvalProblem(input: {
  requester: string;
  approver: string;
  /** The hash that the approver saw. */
  seenHash: string;
  planHash: string;
  approvals: readonly Approval[];
}): string | null {
  if (input.approver === input.requester) return "who asked for it cannot approve it; another person has to";
  if (input.seenHash !== input.planHash) {
    return `the plan has changed since you saw it (it is ${input.planHash} now); look at it again`;
  }
  if (input.approvals.some(({ by, planHash }) => by === input.approver && planHash === input.planHash)) {
    return "you have approved this plan already";
  }
  return null;
}

/** Whether enough people other than the requester have approved exactly this plan. */
export function isApproved(input: {
  rules: ChangeRules;
  requester: string;
  planHash: string;
  approvals: readonly Approval[];
}): boolean {
  const people = new Set(
    input.approvals
      .filter(({ by, planHash }) => planHash === input.planHash && by !== input.requester)
      .map(({ by }) => by),
  );
  return people.size >= input.rules.approvals;
}

/** Why a person may not say to go on at a pause; null when they may. */
export function confirmProblem(input: { rules: ChangeRules; startedBy: string; by: string }): string | null {
  return input.rules.secondPersonAtPauses && input.by === input.startedBy
    ? "who started the release cannot confirm it at a pause; a second person has to"
    : null;
}

/** Why a freeze may not be broken in this way; null when it may. */
export function breakGlassProblem(reason: string): string | null {
  return reason.trim().length < 10
    ? "breaking a freeze needs a reason of at least 10 characters, which is kept with the release for ever"
    : null;
}

/** What a change lacks that its environment asks for, each with what to do. */
export function missingForChange(
  rules: ChangeRules,
  change: Readonly<{
    ticket: string | null;
    rollbackTarget: string | null;
    verification: string | null;
    first: boolean;
  }>,
): readonly string[] {
  const missing: string[] = [];
  if (rules.ticketNeeded && !change.ticket) missing.push("ticket: give the change ticket (ITSM id)");
  if (rules.rollbackTargetNeeded && !change.first && !change.rollbackTarget) {
    missing.push('rollbackTo: name the release to go back to, or "previous"');
  }
  if (rules.verificationNeeded && !change.verification) {
    missing.push("verification: say how it is verified at the end");
  }
  return missing;
}
