import { nowhere } from "../access/nowhere.ts";
import { recordAudit } from "../audit/record-audit.ts";
import { transaction } from "../database/transaction.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import { contextOf, stepMove, type MoveOptions } from "./move-instance.ts";
import {
  selectMoves,
  selectRecoveries,
  updateRecovery,
  type MoveRecord,
  type RecoveryState,
} from "./recovery-record.ts";

/** Carries out every recovery that runs, batch by batch: looks, does one step of each move of the batch, and may be killed anywhere. */
export function createRecoveryReconciler(options: MoveOptions): Reconciler {
  const { query } = options.platform.database;
  return {
    name: "recoveries",
    keys: async () =>
      (await query<{ id: string }>("SELECT id FROM recoveries WHERE state = 'running'")).map(({ id }) => id),
    keysOf: ({ kind, name, record }) => {
      if (kind === "Recovery") return [name];
      const movedBy = kind === "Instance" ? (record as { movedBy?: string | null }).movedBy : null;
      return movedBy === undefined || movedBy === null ? [] : [movedBy];
    },
    reconcile: (key, signal) => reconcileRecovery(options, key, signal),
    resyncMs: 30_000,
    workers: 8,
  };
}

const isOpen = ({ state }: MoveRecord) => state === "planned" || state === "bound";

async function reconcileRecovery(
  options: MoveOptions,
  id: string,
  signal: AbortSignal,
): Promise<void | Readonly<{ againAfterMs: number }>> {
  const { query } = options.platform.database;
  const [recovery] = await selectRecoveries(query, "id = $1", [id]);
  if (recovery?.state !== "running") return;
  const moves = await selectMoves(query, [id]);
  const hasFailed = moves.some(({ state }) => state === "failed");
  // After a failure nothing new is begun; what is decided is carried out.
  const open = moves.filter((move) => isOpen(move) && !(hasFailed && move.state === "planned"));
  const batch = open[0]?.batch;
  if (batch === undefined) return finish(options, id);
  const waits = await Promise.all(
    open.filter((move) => move.batch === batch).map((move) => stepMove(options, { recovery, move, signal })),
  );
  return { againAfterMs: Math.min(...waits.map((waitMs) => waitMs ?? 0)) };
}

async function finish({ platform }: MoveOptions, id: string): Promise<void> {
  const { database } = platform;
  const [seen] = await selectRecoveries(database.query, "id = $1", [id]);
  if (seen === undefined) return;
  await transaction(database, { context: contextOf(platform, seen) }, async (tx) => {
    const [before] = await selectRecoveries(tx.query, "id = $1 FOR UPDATE", [id]);
    if (before?.state !== "running") return;
    await tx.query(
      `UPDATE recovery_moves SET state = 'stayed', reason = 'a move before it has failed', ended_at = now()
       WHERE recovery = $1 AND state = 'planned'`,
      [id],
    );
    const moves = await selectMoves(tx.query, [id]);
    if (moves.some(isOpen)) return;
    const { state, stateReason } = outcomeOf(moves);
    const after = await updateRecovery(tx, before, { state, stateReason, endedAt: new Date() });
    recordAudit(tx, {
      resource: { kind: "Recovery", name: id },
      scope: nowhere,
      before: { state: before.state },
      after: { state, reason: after.stateReason },
      outcome: state === "failed" ? "failed" : "done",
    });
  });
}

/** How a recovery has ended, by its moves. */
function outcomeOf(moves: readonly MoveRecord[]): Readonly<{ state: RecoveryState; stateReason: string }> {
  const of = (state: MoveRecord["state"]) => moves.filter((move) => move.state === state);
  const [moved, stayed, failed] = [of("done"), of("stayed"), of("failed")];
  const told = [...failed, ...stayed].slice(0, 5).map(({ instance, reason }) => `${instance}: ${reason}`);
  const stateReason = [`${moved.length} of ${moves.length} moved`, ...told].join("; ");
  if (failed.length > 0) return { state: "failed", stateReason };
  return { state: stayed.some(({ reason }) => reason.startsWith("stopped by")) ? "stopped" : "done", stateReason };
}
