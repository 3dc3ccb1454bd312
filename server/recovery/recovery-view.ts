import type { MoveRecord, RecoveryRecord } from "./recovery-record.ts";

/** A recovery as the API shows it. */
export function recoveryView(recovery: RecoveryRecord, moves: readonly MoveRecord[]) {
  const { plan } = recovery;
  return {
    id: recovery.id,
    host: recovery.host,
    cluster: recovery.cluster,
    rack: recovery.rack,
    lost: recovery.lost,
    plan: {
      budget: { ...plan.budget },
      moves: plan.moves.map((move) => ({ ...move, ips: [...move.ips], why: { ...move.why } })),
      left: plan.left.map(({ instance, why }) => ({ instance, why: { ...why } })),
    },
    planHash: recovery.planHash,
    state: recovery.state,
    reason: recovery.stateReason,
    approvalsNeeded: recovery.approvalsNeeded,
    approvals: recovery.approvals.map((approval) => ({ ...approval })),
    moves: moves
      .filter((move) => move.recovery === recovery.id)
      .map(({ instance, batch, toHost, state, reason, boundAt, endedAt }) => ({
        instance,
        batch,
        toHost,
        state,
        reason,
        boundAt: boundAt?.toISOString() ?? null,
        endedAt: endedAt?.toISOString() ?? null,
      })),
    requester: recovery.requester,
    ticket: recovery.ticket,
    why: recovery.reason,
    createdAt: recovery.createdAt.toISOString(),
    endedAt: recovery.endedAt?.toISOString() ?? null,
    version: recovery.version,
  };
}
