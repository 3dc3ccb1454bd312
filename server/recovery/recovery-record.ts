import type { RecoveryPlan } from "@wcs/api/recovery";
import { canonicalHash } from "@wcs/core/canonical";
import type { AddressProbe } from "@wcs/core/instance";
import { nowhere } from "../access/nowhere.ts";
import type { Query, Row } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";

export type RecoveryState = "awaiting-approval" | "running" | "done" | "failed" | "stopped" | "rejected" | "withdrawn";

export type RecoveryRecord = Readonly<{
  id: string;
  host: string;
  node: string;
  cluster: string;
  rack: string;
  lost: string;
  plan: RecoveryPlan;
  planHash: string;
  approvalsNeeded: number;
  state: RecoveryState;
  stateReason: string;
  approvals: readonly Readonly<{ by: string; planHash: string; at: string }>[];
  requester: string;
  ticket: string | null;
  reason: string | null;
  version: number;
  createdAt: Date;
  endedAt: Date | null;
}>;

/** One instance of an approved recovery. */
export type MoveRecord = Readonly<{
  recovery: string;
  instance: string;
  batch: number;
  toHost: string;
  toNode: string;
  toCluster: string;
  state: "planned" | "bound" | "done" | "stayed" | "failed";
  reason: string;
  probes: readonly AddressProbe[];
  boundAt: Date | null;
  endedAt: Date | null;
}>;

const columns = `id, host, node, cluster, rack, lost, plan, plan_hash AS "planHash", approvals_needed AS "approvalsNeeded", state,
  state_reason AS "stateReason", approvals, requester, ticket, reason, version::int AS version, created_at AS "createdAt",
  ended_at AS "endedAt"`;
const moveColumns = `recovery, instance, batch, to_host AS "toHost", to_node AS "toNode", to_cluster AS "toCluster", state, reason,
  probes, bound_at AS "boundAt", ended_at AS "endedAt"`;

/** Reads recoveries by a condition on the table `recoveries`. */
export async function selectRecoveries(
  query: Query,
  where: string,
  values: readonly unknown[],
): Promise<readonly RecoveryRecord[]> {
  return query<Row & RecoveryRecord>(`SELECT ${columns} FROM recoveries WHERE ${where}`, [...values]);
}

/** The moves of recoveries, batch by batch. */
export async function selectMoves(query: Query, recoveries: readonly string[]): Promise<readonly MoveRecord[]> {
  return query<Row & MoveRecord>(
    `SELECT ${moveColumns} FROM recovery_moves WHERE recovery = ANY($1) ORDER BY recovery, batch, instance`,
    [recoveries],
  );
}

/** Adds a recovery under the next number. */
export async function insertRecovery(
  tx: Transaction,
  recovery: Pick<RecoveryRecord, "host" | "node" | "cluster" | "rack" | "lost" | "plan" | "planHash"> &
    Pick<RecoveryRecord, "approvalsNeeded" | "requester" | "ticket" | "reason">,
): Promise<RecoveryRecord> {
  const [inserted] = await tx.query<Row & RecoveryRecord>(
    `INSERT INTO recoveries (id, host, node, cluster, rack, lost, plan, plan_hash, approvals_needed, state, requester, ticket, reason)
     VALUES ('v-' || nextval('recovery_numbers'), $1, $2, $3, $4, $5, $6, $7, $8, 'awaiting-approval', $9, $10, $11)
     RETURNING ${columns}`,
    [
      recovery.host,
      recovery.node,
      recovery.cluster,
      recovery.rack,
      recovery.lost,
      JSON.stringify(recovery.plan),
      recovery.planHash,
      recovery.approvalsNeeded,
      recovery.requester,
      recovery.ticket,
      recovery.reason,
    ],
  );
  if (inserted === undefined) throw new Error("INSERT returned no row");
  tell(tx, "created", inserted);
  return inserted;
}

/** Writes what can change of a locked recovery, and tells those who watch. */
export async function updateRecovery(
  tx: Transaction,
  before: RecoveryRecord,
  changes: Partial<
    Pick<
      RecoveryRecord,
      "plan" | "planHash" | "lost" | "approvalsNeeded" | "state" | "stateReason" | "approvals" | "endedAt"
    >
  >,
): Promise<RecoveryRecord> {
  const after = { ...before, ...changes };
  const [row] = await tx.query<Row & RecoveryRecord>(
    `UPDATE recoveries SET plan = $2, plan_hash = $3, lost = $4, approvals_needed = $5, state = $6, state_reason = $7,
       approvals = $8, ended_at = $9, version = version + 1 WHERE id = $1 RETURNING ${columns}`,
    [
      before.id,
      JSON.stringify(after.plan),
      after.planHash,
      after.lost,
      after.approvalsNeeded,
      after.state,
      after.stateReason,
      JSON.stringify(after.approvals),
      after.endedAt,
    ],
  );
  if (row === undefined) throw new Error(`recovery ${before.id} is gone`);
  tell(tx, "updated", row);
  return row;
}

/** Takes the plan's room on the new hosts: from here on its moves count there. */
export async function insertMoves(tx: Transaction, { id, plan }: RecoveryRecord): Promise<void> {
  await tx.query(
    `INSERT INTO recovery_moves (recovery, instance, batch, to_host, to_node, to_cluster, state)
     SELECT $1, m.instance, m.batch, m."toHost", m."toNode", m."toCluster", 'planned'
     FROM jsonb_to_recordset($2::jsonb) AS m (instance text, batch int, "toHost" text, "toNode" text, "toCluster" text)`,
    [id, JSON.stringify(plan.moves)],
  );
}

/** Writes what has become of one move; `ended` and `bound` set their times. */
export async function updateMove(
  query: Query,
  { recovery, instance }: Pick<MoveRecord, "recovery" | "instance">,
  changes: Partial<Pick<MoveRecord, "state" | "reason" | "probes">>,
): Promise<void> {
  const { state = null, reason = null, probes } = changes;
  await query(
    `UPDATE recovery_moves SET state = coalesce($3, state), reason = coalesce($4, reason), probes = coalesce($5, probes),
       bound_at = CASE WHEN $3 = 'bound' THEN now() ELSE bound_at END,
       ended_at = CASE WHEN $3 IN ('done', 'stayed', 'failed') THEN now() ELSE ended_at END
     WHERE recovery = $1 AND instance = $2`,
    [recovery, instance, state, reason, probes === undefined ? null : JSON.stringify(probes)],
  );
}

/** What an approval is bound to: who goes where, in which batch, and who stays. The words that explain it are not part of it. */
export function hashOfPlan(host: string, { budget, moves, left }: RecoveryPlan): string {
  return canonicalHash({
    host,
    budget,
    moves: moves.map(({ instance, batch, toHost, toCluster }) => ({ instance, batch, toHost, toCluster })),
    left: left.map(({ instance }) => instance),
  });
}

function tell(tx: Transaction, change: "created" | "updated", recovery: RecoveryRecord): void {
  const { id: name, host, state, stateReason: reason, planHash, version } = recovery;
  const record = { id: name, host, state, reason, planHash };
  recordEvent(tx, { change, kind: "Recovery", name, version, scope: nowhere, record });
}
