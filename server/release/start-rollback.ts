import { defaultStrategy, rollbackTargets } from "@wcs/core/release";
import type { Row } from "../database/database.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Transaction } from "../database/transaction.ts";
import { notFound } from "../access/principal.ts";
import { Failure } from "../http/failure.ts";
import { selectInstances, type InstanceDesignRecord } from "../instance/instance-record.ts";
import { holdInstances } from "./hold-instances.ts";
import { planTargets, type PlanEnvironment } from "./plan-release.ts";
import {
  insertRelease,
  scopeOfRelease,
  selectReleases,
  tellRelease,
  updateRelease,
  type ReleaseRecord,
} from "./release-record.ts";

/**
 * Starts a release that takes another back: every instance that one changed goes to what it had before, or at the end of release `to`. It needs
 * no approval of its own: the way back was part of what was approved. Its batches are those of the count, without a canary.
 */
export async function startRollback(
  tx: Transaction,
  {
    release,
    to,
    by,
    environment,
  }: Readonly<{
    release: ReleaseRecord;
    to: string | null;
    by: string;
    environment: PlanEnvironment;
  }>,
): Promise<ReleaseRecord> {
  const instances = await selectInstances(
    tx.query,
    `retired_at IS NULL AND wish <> 'retire' AND name IN
       (SELECT instance FROM release_targets WHERE release = $1 AND changed_at IS NOT NULL) ORDER BY name`,
    [release.id],
  );
  if (instances.length === 0) {
    throw new Failure("release.state", `${release.id} has changed nothing that is still there`);
  }
  const names = instances.map(({ name }) => name);
  const named = release.plan.rollbackTo === "previous" ? null : release.plan.rollbackTo;
  const back = to ?? named;
  const wanted = back === null ? await before(tx, release, names) : await atEndOf(tx, { release, names, to: back });
  const missing = names.filter((name) => !wanted.has(name));
  if (missing.length > 0) {
    const detail = `${missing.slice(0, 5).join(", ")} had no version then: retire them, or name a later release`;
    throw new Failure("release.invalid", detail);
  }
  const planned = await planTargets(tx.query, {
    wanted: instances.map((instance) => ({ instance, to: wanted.get(instance.name) as InstanceDesignRecord })),
    strategy: {
      ...defaultStrategy,
      canary: null,
      pauseAfter: "none",
      groupTogether: release.plan.strategy.groupTogether,
    },
    rest: {
      gates: release.plan.gates,
      goOnWithoutCluster: true,
      rollbackTo: null,
      verification: release.plan.verification,
    },
    environment,
  });
  const rollback = await insertRelease(tx.query, {
    subsystem: release.subsystem,
    business: release.business,
    environment: release.environment,
    dcnGroup: release.dcnGroup,
    kind: "roll-back",
    takesBack: release.id,
    ...planned,
    state: "approved",
    requester: by,
    ticket: tx.context.ticket ?? release.ticket,
    reason: tx.context.reason,
  });
  await holdInstances(tx, rollback, release.id);
  tellRelease(tx, "created", rollback);
  recordAudit(tx, {
    resource: { kind: "Release", name: rollback.id },
    scope: scopeOfRelease(rollback),
    before: null,
    after: { takesBack: release.id, plan: rollback.plan, planHash: rollback.planHash },
    outcome: "done",
  });
  return updateRelease(tx, rollback, { state: "running", startedBy: by, startedAt: new Date() });
}

/** What each instance had before a release changed it. */
async function before(
  tx: Transaction,
  release: ReleaseRecord,
  names: readonly string[],
): Promise<ReadonlyMap<string, InstanceDesignRecord>> {
  const rows = await tx.query<{ instance: string; from_design: InstanceDesignRecord }>(
    "SELECT instance, from_design FROM release_targets WHERE release = $1 AND instance = ANY($2) AND from_design IS NOT NULL",
    [release.id, names],
  );
  return new Map(rows.map((row) => [row.instance, row.from_design]));
}

/** What each instance had when an earlier release was through. */
async function atEndOf(
  tx: Transaction,
  { release, names, to }: Readonly<{ release: ReleaseRecord; names: readonly string[]; to: string }>,
): Promise<ReadonlyMap<string, InstanceDesignRecord>> {
  const [target] = await selectReleases(tx.query, "id = $1 AND subsystem = $2", [to, release.subsystem]);
  if (target === undefined) throw notFound("releases", to);
  if (target.endedAt === null) throw new Failure("release.state", `${to} is ${target.state}: it is not through`);
  const rows = await tx.query<
    Row & { release: string; instance: string; to_design: InstanceDesignRecord; passed_at: Date }
  >(
    "SELECT release, instance, to_design, passed_at FROM release_targets WHERE instance = ANY($1) AND passed_at IS NOT NULL",
    [names],
  );
  const targets = rollbackTargets({
    instances: names,
    history: rows.map((row) => ({
      release: row.release,
      instance: row.instance,
      version: JSON.stringify(row.to_design),
      atMs: row.passed_at.getTime(),
    })),
    release: release.id,
    beganAtMs: release.startedAt?.getTime() ?? 0,
    toRelease: { id: to, endedAtMs: target.endedAt.getTime() },
  });
  return new Map(
    targets.flatMap((found) =>
      "version" in found ? [[found.instance, JSON.parse(found.version) as InstanceDesignRecord]] : [],
    ),
  );
}
