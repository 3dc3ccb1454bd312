import type { Scope } from "@wcs/core/access-rights";
import type { BatchStrategy, FailureReport, ReleaseBatch, ReleaseGates, ReleaseState } from "@wcs/core/release";
import type { Query, Row } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import type { InstanceDesignRecord } from "../instance/instance-record.ts";

/** What is to be done to one instance, and what that means for it. */
export type PlannedTarget = Readonly<{
  instance: string;
  batch: number;
  from: InstanceDesignRecord | null;
  to: InstanceDesignRecord;
  effect: "create" | "none" | "in-place" | "re-create";
  changes: readonly Readonly<{ path: string; reason: string }>[];
}>;

/** What an approval of a release is about. */
export type ReleasePlan = Readonly<{
  batches: readonly ReleaseBatch[];
  gates: ReleaseGates;
  /** By which it was planned, and is planned again when instances have changed meanwhile. */
  strategy: BatchStrategy;
  goOnWithoutCluster: boolean;
  rollbackTo: string | null;
  verification: string | null;
  targets: readonly PlannedTarget[];
}>;

export type ReleaseRecord = Readonly<{
  id: string;
  subsystem: string;
  business: string;
  environment: string;
  dcnGroup: string | null;
  kind: "release" | "roll-back";
  takesBack: string | null;
  plan: ReleasePlan;
  planHash: string;
  state: ReleaseState;
  stateReason: string;
  batch: number | null;
  approvals: readonly Readonly<{ by: string; planHash: string; at: string }>[];
  confirmedPauses: readonly number[];
  requester: string;
  startedBy: string | null;
  ticket: string | null;
  reason: string | null;
  breakGlass: string | null;
  version: number;
  createdAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
}>;

/** What has become of one instance of a release. */
export type TargetRecord = Readonly<{
  instance: string;
  changedAt: Date | null;
  passedAt: Date | null;
  http: Readonly<{ atMs: number; passed: boolean; detail: string }> | null;
  failure: FailureReport | null;
}>;

const columnsBesidePlan = `id, subsystem, business, environment, dcn_group AS "dcnGroup", kind, takes_back AS "takesBack",
  plan_hash AS "planHash", state, state_reason AS "stateReason", batch, approvals, confirmed_pauses AS "confirmedPauses",
  requester, started_by AS "startedBy", ticket, reason, break_glass AS "breakGlass", version, created_at AS "createdAt",
  started_at AS "startedAt", ended_at AS "endedAt"`;
const columns = `${columnsBesidePlan}, plan`;

/** Reads releases by a condition on the table `releases`. */
export async function selectReleases(
  query: Query,
  where: string,
  values: readonly unknown[],
): Promise<readonly ReleaseRecord[]> {
  return query<Row & ReleaseRecord>(`SELECT ${columns} FROM releases WHERE ${where}`, values);
}

/** Reads a release whose plan is known, since that never changes and may be megabytes; `lock` until the transaction ends. */
export async function selectReleaseOfPlan(
  query: Query,
  { id, plan, lock = false }: Readonly<{ id: string; plan: ReleasePlan; lock?: boolean }>,
): Promise<ReleaseRecord | null> {
  const rows = await query<Row & Omit<ReleaseRecord, "plan">>(
    `SELECT ${columnsBesidePlan} FROM releases WHERE id = $1 ${lock ? "FOR UPDATE" : ""}`,
    [id],
  );
  return rows[0] === undefined ? null : { ...rows[0], plan };
}

/** Adds a release and its targets under the next number. */
export async function insertRelease(
  query: Query,
  release: Pick<
    ReleaseRecord,
    | "subsystem"
    | "business"
    | "environment"
    | "dcnGroup"
    | "kind"
    | "takesBack"
    | "plan"
    | "planHash"
    | "state"
    | "requester"
    | "ticket"
    | "reason"
  >,
): Promise<ReleaseRecord> {
  const [inserted] = await query<Row & ReleaseRecord>(
    `INSERT INTO releases (id, subsystem, business, environment, dcn_group, kind, takes_back, plan, plan_hash, state, requester,
       ticket, reason)
     VALUES ('r-' || nextval('release_numbers'), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING ${columns}`,
    [
      release.subsystem,
      release.business,
      release.environment,
      release.dcnGroup,
      release.kind,
      release.takesBack,
      JSON.stringify(release.plan),
      release.planHash,
      release.state,
      release.requester,
      release.ticket,
      release.reason,
    ],
  );
  if (inserted === undefined) throw new Error("INSERT returned no row");
  await writeTargets(query, inserted.id, release.plan);
  return inserted;
}

/** Writes down what is planned for each instance. */
async function writeTargets(query: Query, release: string, plan: ReleasePlan): Promise<void> {
  const rows = plan.targets.map(({ instance, batch, from, to }) => ({ instance, batch, from, to }));
  await query(
    `INSERT INTO release_targets (release, instance, batch, from_design, to_design)
     SELECT $1, t.instance, t.batch, t."from", t."to"
     FROM jsonb_to_recordset($2::jsonb) AS t (instance text, batch int, "from" jsonb, "to" jsonb)
     ON CONFLICT (release, instance) DO UPDATE SET batch = excluded.batch, from_design = excluded.from_design`,
    [release, JSON.stringify(rows)],
  );
}

/** Gives a release that has not started another plan; instances that are not in it any more are left out. */
export async function replacePlan(
  tx: Transaction,
  before: ReleaseRecord,
  { plan, planHash }: Readonly<{ plan: ReleasePlan; planHash: string }>,
): Promise<ReleaseRecord> {
  await tx.query("UPDATE releases SET plan = $2, plan_hash = $3 WHERE id = $1", [
    before.id,
    JSON.stringify(plan),
    planHash,
  ]);
  await writeTargets(tx.query, before.id, plan);
  await tx.query("UPDATE release_targets SET left_out = NOT instance = ANY($2) WHERE release = $1", [
    before.id,
    plan.targets.map(({ instance }) => instance),
  ]);
  return { ...before, plan, planHash };
}

type ReleaseChanges = Partial<
  Pick<
    ReleaseRecord,
    | "state"
    | "stateReason"
    | "batch"
    | "approvals"
    | "confirmedPauses"
    | "startedBy"
    | "breakGlass"
    | "startedAt"
    | "endedAt"
  >
>;

/** Writes what can change of a locked release, and tells those who watch. */
export async function updateRelease(
  tx: Transaction,
  before: ReleaseRecord,
  changes: ReleaseChanges,
): Promise<ReleaseRecord> {
  const after = { ...before, ...changes };
  const [row] = await tx.query<Row & { version: number }>(
    `UPDATE releases SET state = $2, state_reason = $3, batch = $4, approvals = $5, confirmed_pauses = $6, started_by = $7,
       break_glass = $8, started_at = $9, ended_at = $10, version = version + 1 WHERE id = $1 RETURNING version`,
    [
      before.id,
      after.state,
      after.stateReason,
      after.batch,
      JSON.stringify(after.approvals),
      after.confirmedPauses,
      after.startedBy,
      after.breakGlass,
      after.startedAt,
      after.endedAt,
    ],
  );
  if (row === undefined) throw new Error(`release ${before.id} is gone`);
  const updated = { ...after, version: row.version };
  tellRelease(tx, "updated", updated);
  return updated;
}

/** Puts a release into the watch log. */
export function tellRelease(tx: Transaction, change: "created" | "updated", release: ReleaseRecord): void {
  const record = {
    id: release.id,
    subsystem: release.subsystem,
    environment: release.environment,
    kind: release.kind,
    state: release.state,
    reason: release.stateReason,
    batch: release.batch,
    planHash: release.planHash,
  };
  const scope = scopeOfRelease(release);
  recordEvent(tx, { change, kind: "Release", name: release.id, version: release.version, scope, record });
}

/** What has become of a release's instances. */
export async function selectTargets(query: Query, release: string): Promise<readonly TargetRecord[]> {
  return query<Row & TargetRecord>(
    `SELECT instance, changed_at AS "changedAt", passed_at AS "passedAt", http, failure FROM release_targets
     WHERE release = $1 AND NOT left_out ORDER BY batch, instance`,
    [release],
  );
}

/** Those of a release's instances that have not passed yet, and the cluster of each. */
export async function selectOpenTargets(
  query: Query,
  release: string,
): Promise<readonly (TargetRecord & Readonly<{ batch: number; cluster: string }>)[]> {
  return query<Row & TargetRecord & { batch: number; cluster: string }>(
    `SELECT t.instance, t.batch, i.cluster, t.changed_at AS "changedAt", t.passed_at AS "passedAt", t.http, t.failure
     FROM release_targets t JOIN instances i ON i.name = t.instance
     WHERE t.release = $1 AND t.passed_at IS NULL AND NOT t.left_out ORDER BY t.batch, t.instance`,
    [release],
  );
}

/** What a release belongs to. */
export function scopeOfRelease(release: ReleaseRecord): Scope {
  return { business: release.business, environment: release.environment, dcnGroup: release.dcnGroup };
}
