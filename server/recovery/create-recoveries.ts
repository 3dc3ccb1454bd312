import { recoveryOperations } from "@wcs/api/recovery";
import { reaches } from "@wcs/core/access-rights";
import { isFenced } from "@wcs/core/ipam";
import { approvalProblem, freeRules, isApproved } from "@wcs/core/release";
import { nowhere } from "../access/nowhere.ts";
import { notFound, principalReach, requireAccess, type Principal } from "../access/principal.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Transaction } from "../database/transaction.ts";
import { Failure } from "../http/failure.ts";
import { decodePageCursor, encodePageCursor } from "../http/page-cursor.ts";
import { act, answer, read } from "../http/route.ts";
import type { Feature, Platform } from "../program/platform.ts";
import { fenceOf, liftFence, type FenceRecord } from "./host-fences.ts";
import type { MoveOptions, RecoveryFaults } from "./move-instance.ts";
import { createFenceReconciler } from "./keep-fences.ts";
import { planHostRecovery, type PlannedRecovery } from "./plan-recovery.ts";
import type { RackProber } from "./rack-prober.ts";
import { createRecoveryReconciler } from "./reconcile-recovery.ts";
import {
  insertMoves,
  insertRecovery,
  selectMoves,
  selectRecoveries,
  updateRecovery,
  type RecoveryRecord,
} from "./recovery-record.ts";
import { recoveryView } from "./recovery-view.ts";

const { list, create, get, approve, reject, stop, returnHost } = recoveryOperations;
const resource = "recoveries";

/** What a test puts in the place of the agents, and where it breaks a recovery off. */
export type RecoveryTesting = Readonly<{ prober?: RackProber; faults?: RecoveryFaults }>;

/**
 * `/api/v1/recoveries`: where the instances of a lost host go is planned, approved by another person, and carried out batch by batch. Hosts
 * are the platform's: who recovers one holds a right over all of it, not a business's.
 */
export function createRecoveries(platform: Platform, options: Omit<MoveOptions, "platform">): Feature {
  const { neighbours } = options;

  const locked = async (tx: Transaction, principal: Principal, wish: Readonly<{ id: string; verb: string }>) => {
    const [recovery] = await selectRecoveries(tx.query, "id = $1 FOR UPDATE", [wish.id]);
    const verb = recovery?.requester === principal.name && wish.verb === "approve" ? "create" : wish.verb;
    requireAccess(principal, { verb, resource, name: wish.id, scope: nowhere });
    if (recovery === undefined) throw notFound(resource, wish.id);
    return recovery;
  };
  const done = async (tx: Transaction, before: RecoveryRecord | null, after: RecoveryRecord) => {
    recordAudit(tx, {
      resource: { kind: "Recovery", name: after.id },
      scope: nowhere,
      before: before === null ? null : { state: before.state, planHash: before.planHash },
      after: {
        host: after.host,
        state: after.state,
        reason: after.stateReason,
        planHash: after.planHash,
        ...(before?.planHash === after.planHash ? {} : { plan: after.plan }),
      },
      outcome: "done",
    });
    const body = recoveryView(after, await selectMoves(tx.query, [after.id]));
    return answer(200, body, after.version);
  };
  const planned = (planned: PlannedRecovery) => {
    const { ticketNeeded: _, ...rest } = planned;
    return rest;
  };

  return {
    routes: [
      read(list, async ({ query: asked, principal }) => {
        const { query } = platform.database;
        if (!reaches(principalReach(principal, "list", resource), nowhere)) {
          return answer(200, { items: [], next: null });
        }
        const limit = asked.limit ?? 100;
        const [before] =
          asked.cursor === undefined ? [Number.MAX_SAFE_INTEGER] : decodePageCursor(asked.cursor, ["number"]);
        const found = await selectRecoveries(
          query,
          "($1::text IS NULL OR host = $1) AND substr(id, 3)::bigint < $2 ORDER BY substr(id, 3)::bigint DESC LIMIT $3",
          [asked.host ?? null, before, limit + 1],
        );
        const items = found.slice(0, limit);
        const moves = await selectMoves(
          query,
          items.map(({ id }) => id),
        );
        const last = items.at(-1);
        const next = found.length > limit && last !== undefined ? encodePageCursor([Number(last.id.slice(2))]) : null;
        return answer(200, { items: items.map((recovery) => recoveryView(recovery, moves)), next });
      }),
      read(get, async ({ params, principal }) => {
        requireAccess(principal, { verb: "get", resource, name: params.id, scope: nowhere });
        const [recovery] = await selectRecoveries(platform.database.query, "id = $1", [params.id]);
        if (recovery === undefined) throw notFound(resource, params.id);
        const moves = await selectMoves(platform.database.query, [params.id]);
        return answer(200, recoveryView(recovery, moves), recovery.version);
      }),
      act(create, async ({ body, principal }, tx) => {
        requireAccess(principal, { verb: "create", resource, name: body.host, scope: nowhere });
        const found = await planHostRecovery(tx.query, { host: body.host, budget: body.budget, neighbours });
        const { ticket, reason } = tx.context;
        if (found.ticketNeeded && ticket === null) {
          throw new Failure(
            "act.ticket-required",
            `the instances of ${body.host} are of an environment that asks for a change ticket`,
          );
        }
        const [open] = await selectRecoveries(tx.query, "host = $1 AND state IN ('awaiting-approval', 'running')", [
          body.host,
        ]);
        if (open !== undefined) {
          const what = open.state === "running" ? "wait for its end, or stop it" : "approve it, or withdraw it";
          throw new Failure("recovery.refused", `${open.id} recovers ${body.host} already (${open.state}): ${what}`);
        }
        const made = await insertRecovery(tx, { ...planned(found), requester: principal.name, ticket, reason });
        const { body: shown, version } = await done(tx, null, made);
        return answer(201, shown, version);
      }),
      act(approve, async ({ params, body, principal }, tx) => {
        const before = await locked(tx, principal, { id: params.id, verb: "approve" });
        requireState(before, "awaiting-approval");
        const { requester, planHash } = before;
        const question = { requester, approver: principal.name, seenHash: body.planHash, planHash };
        const problem = approvalProblem({ ...question, approvals: before.approvals });
        if (problem !== null) throw new Failure("approval.refused", problem);
        const approvals = [...before.approvals, { by: principal.name, planHash, at: new Date().toISOString() }];
        const rules = { ...freeRules, approvals: before.approvalsNeeded };
        if (!isApproved({ rules, requester, planHash, approvals })) {
          return done(tx, before, await updateRecovery(tx, before, { approvals }));
        }
        await neighbours.placement.lock(tx);
        const { budget } = before.plan;
        const now = await planHostRecovery(tx.query, { host: before.host, budget, neighbours });
        if (now.planHash !== planHash) {
          const { plan, lost, approvalsNeeded } = now;
          const stateReason = "the plan that was approved does not hold any more; this is the new one, to be approved";
          const changes = { plan, lost, approvalsNeeded, planHash: now.planHash, approvals: [], stateReason };
          return done(tx, before, await updateRecovery(tx, before, changes));
        }
        await insertMoves(tx, before);
        const stateReason = `${before.plan.moves.length} instances to be moved, ${before.plan.left.length} stay`;
        return done(tx, before, await updateRecovery(tx, before, { approvals, state: "running", stateReason }));
      }),
      act(reject, async ({ params, body, principal }, tx) => {
        const before = await locked(tx, principal, { id: params.id, verb: "approve" });
        requireState(before, "awaiting-approval");
        const state = principal.name === before.requester ? "withdrawn" : "rejected";
        return done(
          tx,
          before,
          await updateRecovery(tx, before, { state, stateReason: body.why, endedAt: new Date() }),
        );
      }),
      act(stop, async ({ params, principal }, tx) => {
        const before = await locked(tx, principal, { id: params.id, verb: "operate" });
        requireState(before, "running");
        await tx.query(
          "UPDATE recovery_moves SET state = 'stayed', reason = $2, ended_at = now() WHERE recovery = $1 AND state = 'planned'",
          [before.id, `stopped by ${principal.name}`],
        );
        const stateReason = `stopped by ${principal.name}; what is decided is carried out`;
        return done(tx, before, await updateRecovery(tx, before, { stateReason }));
      }),
      act(returnHost, async ({ params, principal }, tx) => {
        const before = await locked(tx, principal, { id: params.id, verb: "operate" });
        if (before.state === "running" || before.state === "awaiting-approval") {
          throw new Failure("recovery.refused", `${before.id} is ${before.state}: wait for its end`);
        }
        const health = neighbours.clusters.hostHealth(before.cluster, before.node);
        if (health.state !== "up") throw new Failure("recovery.refused", `${before.host} is not up (${health.reason})`);
        requireCleared(before.host, await fenceOf(tx.query, before), await options.prober.instancesOn(before.host));
        await liftFence(tx, before);
        return done(
          tx,
          before,
          await updateRecovery(tx, before, { stateReason: `${before.host} takes part again, by ${principal.name}` }),
        );
      }),
    ],
    reconcilers: [createRecoveryReconciler({ platform, ...options }), createFenceReconciler({ platform, ...options })],
  };
}

/** Throws `recovery.refused` while something that was moved away has a network on the host, or while that can't be known. */
function requireCleared(
  host: string,
  fence: FenceRecord | null,
  held: Awaited<ReturnType<RackProber["instancesOn"]>>,
): void {
  if (fence === null) return;
  if ("problem" in held) throw new Failure("recovery.refused", `what is on ${host} can't be known: ${held.problem}`);
  const wanted = { host: fence.node, instances: fence.instances };
  const old = held.filter((each) => isFenced(wanted, each)).map(({ instance }) => instance);
  if (old.length === 0) return;
  throw new Failure("recovery.refused", `${host} still has what was moved away: ${old.slice(0, 5).join(", ")}`);
}

function requireState(recovery: RecoveryRecord, state: "awaiting-approval" | "running"): void {
  if (recovery.state === state) return;
  throw new Failure("recovery.refused", `${recovery.id} is ${recovery.state}: ${recovery.stateReason}`);
}
