import type { ReleaseRecord, TargetRecord } from "./release-record.ts";

/** A release as lists show it. */
export function releaseSummary(release: ReleaseRecord, passed: number) {
  const { startedAt, endedAt } = release;
  return {
    id: release.id,
    subsystem: release.subsystem,
    business: release.business,
    environment: release.environment,
    kind: release.kind,
    takesBack: release.takesBack,
    state: release.state,
    reason: release.stateReason,
    batch: release.batch,
    batches: release.plan.batches.length,
    instances: release.plan.targets.length,
    passed,
    planHash: release.planHash,
    requester: release.requester,
    startedBy: release.startedBy,
    ticket: release.ticket,
    why: release.reason,
    breakGlass: release.breakGlass,
    createdAt: release.createdAt.toISOString(),
    startedAt: startedAt?.toISOString() ?? null,
    endedAt: endedAt?.toISOString() ?? null,
    durationSeconds: startedAt === null || endedAt === null ? null : (endedAt.getTime() - startedAt.getTime()) / 1000,
    version: release.version,
  };
}

/** A release with its plan and what has become of each instance. */
export function releaseView(release: ReleaseRecord, targets: readonly TargetRecord[], approvalsNeeded: number) {
  const { batches, gates, strategy, goOnWithoutCluster, rollbackTo, verification } = release.plan;
  const found = new Map(targets.map((target) => [target.instance, target]));
  return {
    ...releaseSummary(release, targets.filter(({ passedAt }) => passedAt !== null).length),
    plan: {
      batches: batches.map((batch) => ({ ...batch, instances: [...batch.instances] })),
      gates: { ...gates },
      groupTogether: strategy.groupTogether,
      goOnWithoutCluster,
      rollbackTo,
      verification,
    },
    approvalsNeeded,
    approvals: release.approvals.map((approval) => ({ ...approval })),
    targets: release.plan.targets.map((planned) => {
      const target = found.get(planned.instance);
      return {
        ...planned,
        from: planned.from === null ? null : designView(planned.from),
        to: designView(planned.to),
        changes: [...planned.changes],
        changedAt: target?.changedAt?.toISOString() ?? null,
        passedAt: target?.passedAt?.toISOString() ?? null,
        outcome: outcomeOf(target),
        seconds: secondsOf(target),
        failure: failureView(target?.failure ?? null),
      };
    }),
  };
}

function designView({ template, parameters, imageDigest }: ReleaseRecord["plan"]["targets"][number]["to"]) {
  return { template, parameters: parameters as Record<string, string>, imageDigest };
}

/** A target that is tried again after a failure is under way until it has passed or failed anew. */
function outcomeOf(target: TargetRecord | undefined): "untouched" | "under-way" | "passed" | "failed" {
  if (target === undefined) return "untouched";
  if (target.passedAt !== null) return "passed";
  if (target.changedAt !== null) return target.failure === null ? "under-way" : "failed";
  return "untouched";
}

function secondsOf(target: TargetRecord | undefined): number | null {
  const { changedAt = null, passedAt = null } = target ?? {};
  return changedAt === null || passedAt === null ? null : (passedAt.getTime() - changedAt.getTime()) / 1000;
}

function failureView(failure: TargetRecord["failure"]) {
  if (failure === null) return null;
  const { summary, hint, events, logLines } = failure;
  return { summary, hint, events: [...events], logLines: [...logLines] };
}
