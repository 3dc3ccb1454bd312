import { releaseOperations } from "@wcs/api/release";
import { reaches } from "@wcs/core/access-rights";
import { canonicalHash } from "@wcs/core/canonical";
import {
  actOnRelease,
  approvalProblem,
  breakGlassProblem,
  confirmProblem,
  freeRules,
  frozenAt,
  holdsInstances,
  isApproved,
  missingForChange,
  productionRules,
  type ChangeRules,
  type ReleaseAction,
  type ReleaseState,
} from "@wcs/core/release";
import { notFound, principalReach, requireAccess, type Principal } from "../access/principal.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Query } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";
import { Failure } from "../http/failure.ts";
import { decodePageCursor, encodePageCursor } from "../http/page-cursor.ts";
import { act, answer, read } from "../http/route.ts";
import type { Neighbours } from "../instance/neighbours.ts";
import type { Feature, Platform } from "../program/platform.ts";
import type { TemplateService } from "../template/template-service.ts";
import { freezeWindowsOf } from "./freeze-windows.ts";
import { freeInstances, holdInstances, refuseBesideGroup } from "./hold-instances.ts";
import { planAgain } from "./plan-again.ts";
import { chooseInstances, planRelease, type PlanEnvironment } from "./plan-release.ts";
import { createReleaseReconciler } from "./reconcile-release.ts";
import {
  insertRelease,
  scopeOfRelease,
  selectReleases,
  selectTargets,
  tellRelease,
  updateRelease,
  type ReleasePlan,
  type ReleaseRecord,
} from "./release-record.ts";
import { placedFault } from "./placed-fault.ts";
import { releaseSummary, releaseView } from "./release-view.ts";
import { endTakingBack } from "./end-taking-back.ts";
import { startRollback } from "./start-rollback.ts";

const [list, create, get, approve, reject, start, pause, goOn, abort, rollBack] = releaseOperations;

/** `/api/v1/releases`: plan, approve, start, pause, continue, abort, roll back; the history; and the reconciler that works on them. */
export function createReleases(
  platform: Platform,
  options: Readonly<{ neighbours: Neighbours; templates: TemplateService; timeZone: string }>,
): Feature {
  const environment: PlanEnvironment = options;
  const { estate } = options.neighbours;

  const rulesOf = async (query: Query, name: string): Promise<ChangeRules> => {
    const found = await estate.environment(query, name);
    if (found === null) throw notFound("environments", name);
    // An environment that asks for tickets is one in which changes are graded (437 of 2009): all the fields, then.
    return found.ticketRequired
      ? { ...productionRules, approvals: found.approvals }
      : { ...freeRules, approvals: found.approvals };
  };
  const viewOf = async (query: Query, release: ReleaseRecord) => {
    const { approvals } = await rulesOf(query, release.environment);
    return releaseView(release, await selectTargets(query, release.id), approvals);
  };
  const locked = async (tx: Transaction, principal: Principal, wish: { id: string; verb: string }) => {
    const [release] = await selectReleases(tx.query, "id = $1 FOR UPDATE", [wish.id]);
    if (release === undefined) throw notFound("releases", wish.id);
    const scope = scopeOfRelease(release);
    requireAccess(principal, { verb: wish.verb, resource: "releases", name: wish.id, scope });
    return release;
  };
  const done = async (tx: Transaction, before: ReleaseRecord, after: ReleaseRecord) => {
    recordAudit(tx, {
      resource: { kind: "Release", name: after.id },
      scope: scopeOfRelease(after),
      before: { state: before.state },
      after: { state: after.state, reason: after.stateReason, planHash: after.planHash, breakGlass: after.breakGlass },
      outcome: "done",
    });
    return answer(200, await viewOf(tx.query, after), after.version);
  };
  const next = (release: ReleaseRecord, action: ReleaseAction): ReleaseState => {
    const result = actOnRelease(release.state, action);
    if ("problem" in result) throw new Failure("release.state", result.problem);
    return result.state;
  };

  return {
    routes: [
      read(list, async ({ query: asked, principal }) => {
        const { query } = platform.database;
        const limit = asked.limit ?? 100;
        const reach = principalReach(principal, "list", "releases");
        const items: ReleaseRecord[] = [];
        let [before] =
          asked.cursor === undefined ? [Number.MAX_SAFE_INTEGER] : decodePageCursor(asked.cursor, ["number"]);
        for (let isLast = false; items.length < limit && !isLast;) {
          const page = await selectReleases(
            query,
            `($1::text IS NULL OR subsystem = $1) AND substr(id, 3)::bigint < $2 ORDER BY substr(id, 3)::bigint DESC LIMIT 100`,
            [asked.subsystem ?? null, before],
          );
          isLast = page.length < 100;
          for (const release of page) {
            if (items.length === limit) break;
            before = Number(release.id.slice(2));
            if (reaches(reach, scopeOfRelease(release))) items.push(release);
          }
        }
        const passed = await passedOf(
          query,
          items.map(({ id }) => id),
        );
        return answer(200, {
          items: items.map((release) => releaseSummary(release, passed.get(release.id) ?? 0)),
          next: items.length === limit ? encodePageCursor([before]) : null,
        });
      }),
      act(create, async ({ body, principal }, tx) => {
        const subsystem = await estate.subsystem(tx.query, body.subsystem);
        if (subsystem === null) throw notFound("subsystems", body.subsystem);
        const rules = await rulesOf(tx.query, body.environment);
        const instances = await chooseInstances(tx.query, body);
        const groups = [...new Set(instances.map(({ dcnGroup }) => dcnGroup))];
        const { business } = subsystem;
        for (const dcnGroup of groups) {
          const scope = { business, environment: body.environment, dcnGroup };
          requireAccess(principal, { verb: "create", resource: "releases", name: body.subsystem, scope });
        }
        const { ticket, reason } = tx.context;
        if (rules.ticketNeeded && ticket === null) {
          throw new Failure("act.ticket-required", `${body.environment} asks for a change ticket`);
        }
        const planned = await planRelease(tx.query, { body, instances, environment });
        const same = await ofTicket(tx.query, body.environment, ticket);
        if (same !== null) {
          if (askOf(same.plan) !== askOf(planned.plan) || same.requester !== principal.name) {
            throw new Failure("resource.exists", `ticket ${ticket} has brought release ${same.id}, which is another`);
          }
          return done(tx, same, same);
        }
        const missing = missingForChange(rules, {
          ticket,
          rollbackTarget: body.rollbackTo ?? null,
          verification: body.verification ?? null,
          first: instances.every(({ design }) => design === null),
        });
        if (missing.length > 0) {
          const errors = missing.map(placedFault);
          throw new Failure("release.invalid", `${body.environment} asks for more`, { errors });
        }
        const release = await insertRelease(tx.query, {
          subsystem: body.subsystem,
          business,
          environment: body.environment,
          dcnGroup: groups.length === 1 ? (groups[0] ?? null) : null,
          kind: "release",
          takesBack: null,
          ...planned,
          state: rules.approvals === 0 ? "approved" : "awaiting-approval",
          requester: principal.name,
          ticket,
          reason,
        });
        tellRelease(tx, "created", release);
        recordAudit(tx, {
          resource: { kind: "Release", name: release.id },
          scope: scopeOfRelease(release),
          before: null,
          after: { plan: release.plan, planHash: release.planHash },
          outcome: "done",
        });
        return answer(201, await viewOf(tx.query, release), release.version);
      }),
      read(get, async ({ params, principal }) => {
        const { query } = platform.database;
        const [release] = await selectReleases(query, "id = $1", [params.id]);
        if (release === undefined) throw notFound("releases", params.id);
        const scope = scopeOfRelease(release);
        requireAccess(principal, { verb: "get", resource: "releases", name: params.id, scope });
        return answer(200, await viewOf(query, release), release.version);
      }),
      act(approve, async ({ params, body, principal }, tx) => {
        const before = await locked(tx, principal, { id: params.id, verb: "approve" });
        const state = next(before, "approve");
        const { requester, planHash } = before;
        const question = { requester, approver: principal.name, seenHash: body.planHash, planHash };
        const problem = approvalProblem({ ...question, approvals: before.approvals });
        if (problem !== null) throw new Failure("approval.refused", problem);
        const approvals = [...before.approvals, { by: principal.name, planHash, at: new Date().toISOString() }];
        const rules = await rulesOf(tx.query, before.environment);
        const enough = isApproved({ rules, requester, planHash, approvals });
        const again = enough ? await planAgain(tx, before, environment) : null;
        if (again !== null) return done(tx, before, again);
        const after = await updateRelease(tx, before, { approvals, state: enough ? state : before.state });
        return done(tx, before, after);
      }),
      act(reject, async ({ params, principal }, tx) => {
        const before = await locked(tx, principal, { id: params.id, verb: "approve" });
        const stateReason = `rejected by ${principal.name}`;
        const state = next(before, "reject");
        return done(tx, before, await updateRelease(tx, before, { state, stateReason, endedAt: new Date() }));
      }),
      act(start, async ({ params, body, principal }, tx) => {
        const before = await locked(tx, principal, { id: params.id, verb: "operate" });
        const state = next(before, "start");
        const windows = await freezeWindowsOf(tx.query, before.environment);
        const frozen = frozenAt({ windows, environment: before.environment, atMs: Date.now() });
        const breakGlass = body.breakGlass ?? null;
        if (breakGlass !== null) {
          requireAccess(principal, {
            verb: "break-glass",
            resource: "releases",
            name: params.id,
            scope: scopeOfRelease(before),
          });
          const problem = breakGlassProblem(breakGlass);
          if (problem !== null) throw new Failure("release.frozen", problem);
        } else if (frozen !== null) {
          const until = new Date(frozen.untilMs).toISOString();
          throw new Failure("release.frozen", `${frozen.window.name} holds until ${until}`);
        }
        // Who holds an instance says more than that it has changed, and may still let it go.
        await holdInstances(tx, before);
        const again = await planAgain(tx, before, environment);
        if (again !== null) {
          await freeInstances(tx, before.id);
          const { approvals: needed } = await rulesOf(tx.query, before.environment);
          const state = needed === 0 ? before.state : "awaiting-approval";
          return done(tx, before, await updateRelease(tx, again, { state }));
        }
        await refuseBesideGroup(tx, before);
        const startedBy = principal.name;
        const stateReason = breakGlass === null ? "" : `started in a freeze: ${breakGlass}`;
        const changes = { state, stateReason, startedBy, breakGlass, startedAt: new Date() };
        return done(tx, before, await updateRelease(tx, before, changes));
      }),
      act(pause, async ({ params, principal }, tx) => {
        const before = await locked(tx, principal, { id: params.id, verb: "operate" });
        const stateReason = `paused by ${principal.name}`;
        return done(tx, before, await updateRelease(tx, before, { state: next(before, "pause"), stateReason }));
      }),
      act(goOn, async ({ params, principal }, tx) => {
        const before = await locked(tx, principal, { id: params.id, verb: "operate" });
        const state = next(before, "continue");
        const planned = before.plan.batches.find(({ number }) => number === before.batch);
        const atPause = before.state === "paused" && planned?.pauseAfter === true;
        const confirmedPauses = [...before.confirmedPauses];
        if (
          atPause &&
          !confirmedPauses.includes(planned.number) &&
          (await allPassed(tx.query, before, planned.number))
        ) {
          const rules = await rulesOf(tx.query, before.environment);
          const problem = confirmProblem({ rules, startedBy: before.startedBy ?? "", by: principal.name });
          if (problem !== null) throw new Failure("approval.refused", problem);
          confirmedPauses.push(planned.number);
        }
        if (before.state === "failed") await tryAgain(tx.query, before.id);
        const stateReason = `continued by ${principal.name}`;
        return done(tx, before, await updateRelease(tx, before, { state, stateReason, confirmedPauses }));
      }),
      act(abort, async ({ params, principal }, tx) => {
        const before = await locked(tx, principal, { id: params.id, verb: "operate" });
        const state = next(before, "abort");
        if (holdsInstances(before.state)) await freeInstances(tx, before.id);
        const stateReason = `aborted by ${principal.name}; what it has changed stays changed`;
        if (before.takesBack !== null) {
          const half = { state: "aborted", stateReason: `${before.id}, which took it back, was aborted` } as const;
          await endTakingBack(tx, before.takesBack, half);
        }
        return done(tx, before, await updateRelease(tx, before, { state, stateReason, endedAt: new Date() }));
      }),
      act(rollBack, async ({ params, body, principal }, tx) => {
        const before = await locked(tx, principal, { id: params.id, verb: "operate" });
        const state = next(before, "roll-back");
        const to = body.to ?? null;
        const rollback = await startRollback(tx, { release: before, to, by: principal.name, environment });
        const stateReason = `${rollback.id} takes it back`;
        return done(tx, before, await updateRelease(tx, before, { state, stateReason }));
      }),
    ],
    reconcilers: [createReleaseReconciler({ platform, ...options })],
  };
}

async function passedOf(query: Query, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rows = await query<{ release: string; passed: number }>(
    "SELECT release, count(passed_at) AS passed FROM release_targets WHERE release = ANY($1) GROUP BY release",
    [ids],
  );
  return new Map(rows.map(({ release, passed }) => [release, passed]));
}

/** What a plan was made for, whatever its instances have by now: the same asked for again is the same. */
function askOf({ targets, ...rest }: ReleasePlan): string {
  return canonicalHash({ ...rest, targets: targets.map(({ instance, to }) => ({ instance, to })) });
}

/** The release that a ticket has brought and that was neither rejected nor aborted. */
async function ofTicket(query: Query, environment: string, ticket: string | null): Promise<ReleaseRecord | null> {
  if (ticket === null) return null;
  const [release] = await selectReleases(
    query,
    "environment = $1 AND ticket = $2 AND kind = 'release' AND state NOT IN ('rejected', 'aborted')",
    [environment, ticket],
  );
  return release ?? null;
}

async function allPassed(query: Query, release: ReleaseRecord, batch: number): Promise<boolean> {
  const [row] = await query<{ open: number }>(
    "SELECT count(*) AS open FROM release_targets WHERE release = $1 AND batch <= $2 AND passed_at IS NULL AND NOT left_out",
    [release.id, batch],
  );
  return row?.open === 0;
}

/** Lets instances that failed be changed again. How they failed stays in the audit. */
async function tryAgain(query: Query, release: string): Promise<void> {
  await query(
    "UPDATE release_targets SET changed_at = NULL, http = NULL, failure = NULL WHERE release = $1 AND passed_at IS NULL",
    [release],
  );
}
