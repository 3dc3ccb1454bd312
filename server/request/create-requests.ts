import { requestOperations, type RequestBody } from "@wcs/api/request";
import { reaches, type Scope } from "@wcs/core/access-rights";
import { approvalProblem, freeRules, isApproved } from "@wcs/core/release";
import { notFound, principalReach, requireAccess, type Principal } from "../access/principal.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Query } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import { Failure } from "../http/failure.ts";
import { decodePageCursor, encodePageCursor } from "../http/page-cursor.ts";
import { act, answer, read } from "../http/route.ts";
import { selectInstances } from "../instance/instance-record.ts";
import type { Neighbours } from "../instance/neighbours.ts";
import type { Feature, Platform } from "../program/platform.ts";
import { deliverInstances } from "./deliver-instances.ts";
import { dcnsOf, planRequest, understandRequest, type RequestEnvironment } from "./plan-request.ts";
import {
  insertRequest,
  promiseOf,
  scopeOfRequest,
  selectRequests,
  updateRequest,
  type RequestRecord,
} from "./request-record.ts";

const [list, create, get, approve, reject] = requestOperations;

/** `/api/v1/requests`: instances are asked for, the plan is shown and approved by another person, and then they are delivered. */
export function createRequests(platform: Platform, environment: RequestEnvironment): Feature {
  const { neighbours } = environment;
  const { estate, placement } = neighbours;

  const approvalsOf = async (query: Query, request: RequestRecord) =>
    (await estate.environment(query, request.environment))?.approvals ?? 1;
  const viewOf = async (query: Query, request: RequestRecord) => view(request, await approvalsOf(query, request));

  const plan = async (query: Query, body: RequestBody) => {
    const { plan: planned, keep } = await planRequest(query, body, environment);
    return { promise: promiseOf(body, planned), keep };
  };
  const record = (tx: Transaction, before: RequestRecord | null, after: RequestRecord, needed: number): void => {
    const scope = scopeOfRequest(after);
    const shown = view(after, needed);
    const change = before === null ? "created" : "updated";
    recordEvent(tx, { change, kind: "Request", name: after.id, version: after.version, scope, record: shown });
    recordAudit(tx, {
      resource: { kind: "Request", name: after.id },
      scope,
      before: before === null ? null : view(before, needed),
      after: shown,
      outcome: "done",
    });
  };
  /** Delivers a request whose plan is approved and still holds; the caller's transaction holds placement's lock. */
  const deliver = async (tx: Transaction, request: RequestRecord): Promise<RequestRecord> => {
    const instances = await deliverInstances(tx, request, neighbours);
    const { removals, resizes } = request.plan;
    const stateReason = `${instances.length} instances delivered, ${removals.length} retiring, ${resizes.length} resized`;
    return updateRequest(tx.query, request, { state: "delivered", stateReason, instances });
  };
  const locked = async (tx: Transaction, principal: Principal, id: string): Promise<RequestRecord> => {
    const [request] = await selectRequests(tx.query, "id = $1 FOR UPDATE", [id]);
    if (request === undefined) throw notFound("requests", id);
    const isOwn = principal.name === request.requester;
    const verb = isOwn ? "create" : "approve";
    const scopes = await scopesOf(tx.query, request, estate);
    for (const scope of scopes) requireAccess(principal, { verb, resource: "requests", name: id, scope });
    return request;
  };

  return {
    routes: [
      read(list, async ({ query: asked, principal }) => {
        const { query } = platform.database;
        const limit = asked.limit ?? 100;
        const reach = principalReach(principal, "list", "requests");
        const items: RequestRecord[] = [];
        let [before] =
          asked.cursor === undefined ? [Number.MAX_SAFE_INTEGER] : decodePageCursor(asked.cursor, ["number"]);
        for (let isLast = false; items.length < limit && !isLast;) {
          const page = await selectRequests(
            query,
            `($1::text IS NULL OR subsystem = $1 OR body -> 'together' @> jsonb_build_array(jsonb_build_object('subsystem', $1))) AND substr(id, 3)::bigint < $2 ORDER BY substr(id, 3)::bigint DESC LIMIT 200`,
            [asked.subsystem ?? null, before],
          );
          isLast = page.length < 200;
          for (const request of page) {
            if (items.length === limit) break;
            before = Number(request.id.slice(2));
            if (reaches(reach, scopeOfRequest(request))) items.push(request);
          }
        }
        const views = [];
        for (const request of items) views.push(await viewOf(query, request));
        return answer(200, { items: views, next: items.length === limit ? encodePageCursor([before]) : null });
      }),
      act(create, async ({ body, principal }, tx) => {
        const understood = await understandRequest(tx.query, body, environment);
        const { subsystem, dcnGroups: groups, environment: name } = understood;
        const { business } = subsystem;
        for (const dcnGroup of groups) {
          const scope = { business, environment: name, dcnGroup };
          requireAccess(principal, { verb: "create", resource: "requests", name: body.subsystem, scope });
        }
        const rules = await estate.environment(tx.query, name);
        const { ticket, reason } = tx.context;
        if (rules?.ticketRequired === true && ticket === null) {
          throw new Failure("act.ticket-required", `${name} asks for a change ticket`);
        }
        const needed = rules?.approvals ?? 1;
        if (needed === 0) await placement.lock(tx);
        const { promise, keep } = await plan(tx.query, body);
        let request = await insertRequest(tx.query, {
          subsystem: body.subsystem,
          business,
          environment: name,
          dcnGroup: groups.length === 1 ? (groups[0] ?? null) : null,
          body,
          ...promise,
          requester: principal.name,
          ticket,
          reason,
        });
        await keep(tx, request.id);
        if (needed === 0) request = await deliver(tx, request);
        record(tx, null, request, needed);
        return answer(201, view(request, needed), request.version);
      }),
      read(get, async ({ params, principal }) => {
        const { query } = platform.database;
        const [request] = await selectRequests(query, "id = $1", [params.id]);
        if (request === undefined) throw notFound("requests", params.id);
        const scope = scopeOfRequest(request);
        requireAccess(principal, { verb: "get", resource: "requests", name: params.id, scope });
        return answer(200, await viewOf(query, request), request.version);
      }),
      act(approve, async ({ params, body, principal }, tx) => {
        const before = await locked(tx, principal, params.id);
        requireOpen(before);
        const problem = approvalProblem({
          requester: before.requester,
          approver: principal.name,
          seenHash: body.planHash,
          planHash: before.planHash,
          approvals: before.approvals,
        });
        if (problem !== null) throw new Failure("approval.refused", problem);
        const needed = await approvalsOf(tx.query, before);
        const approval = { by: principal.name, planHash: body.planHash, at: new Date().toISOString() };
        let request = await updateRequest(tx.query, before, { approvals: [...before.approvals, approval] });
        const rules = { ...freeRules, approvals: needed };
        const { requester, planHash, approvals } = request;
        if (isApproved({ rules, requester, planHash, approvals })) {
          await placement.lock(tx);
          const { promise: now, keep } = await plan(tx.query, request.body);
          await keep(tx, request.id);
          request =
            now.planHash === request.planHash
              ? await deliver(tx, request)
              : await updateRequest(tx.query, request, {
                  ...now,
                  approvals: [],
                  stateReason: "the plan that was approved does not hold any more; this is the new one, to be approved",
                });
        }
        record(tx, before, request, needed);
        return answer(200, view(request, needed), request.version);
      }),
      act(reject, async ({ params, body, principal }, tx) => {
        const before = await locked(tx, principal, params.id);
        requireOpen(before);
        const state = principal.name === before.requester ? "withdrawn" : "rejected";
        const request = await updateRequest(tx.query, before, { state, stateReason: body.why });
        const needed = await approvalsOf(tx.query, before);
        record(tx, before, request, needed);
        return answer(200, view(request, needed), request.version);
      }),
    ],
  };
}

/** One scope for each DCN group that a request touches. */
async function scopesOf(query: Query, request: RequestRecord, estate: Neighbours["estate"]): Promise<readonly Scope[]> {
  const groups = new Set<string | null>();
  for (const id of dcnsOf(request.body)) groups.add((await estate.dcn(query, id))?.group ?? null);
  const { retire = [], resize = [] } = request.body;
  for (const { dcnGroup } of await selectInstances(query, "name = ANY($1)", [[...retire, ...resize]])) {
    groups.add(dcnGroup);
  }
  return [...groups].map((dcnGroup) => ({ ...scopeOfRequest(request), dcnGroup }));
}

function requireOpen(request: RequestRecord): void {
  if (request.state === "awaiting-approval") return;
  throw new Failure("approval.refused", `${request.id} is ${request.state}: ${request.stateReason}`);
}

function view(request: RequestRecord, approvalsNeeded: number) {
  return {
    id: request.id,
    subsystem: request.subsystem,
    business: request.business,
    environment: request.environment,
    body: request.body,
    plan: request.plan,
    planHash: request.planHash,
    state: request.state,
    reason: request.stateReason,
    approvalsNeeded,
    approvals: request.approvals.map((approval) => ({ ...approval })),
    instances: [...request.instances],
    requester: request.requester,
    ticket: request.ticket,
    why: request.reason,
    createdAt: request.createdAt,
    version: request.version,
  };
}
