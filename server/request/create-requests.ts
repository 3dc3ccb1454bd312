import { requestOperations, type RequestBody } from "@wcs/api/request";
import { reaches, type Scope } from "@wcs/core/access-rights";
import type { PlacementRefusal } from "@wcs/core/placement";
import { approvalProblem, freeRules, isApproved } from "@wcs/core/release";
import { notFound, principalReach, requireAccess, type Principal } from "../access/principal.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Query } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import { Failure } from "../http/failure.ts";
import { decodePageCursor, encodePageCursor } from "../http/page-cursor.ts";
import { act, answer, read } from "../http/route.ts";
import type { Neighbours } from "../instance/neighbours.ts";
import type { Feature, Platform } from "../program/platform.ts";
import { deliverInstances } from "./deliver-instances.ts";
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
export function createRequests(platform: Platform, neighbours: Neighbours): Feature {
  const { estate, placement } = neighbours;

  const approvalsOf = async (query: Query, request: RequestRecord) =>
    (await estate.environment(query, request.environment))?.approvals ?? 1;
  const viewOf = async (query: Query, request: RequestRecord) => view(request, await approvalsOf(query, request));

  /** What is asked for, with everything that it names looked up. */
  const understand = async (query: Query, body: RequestBody) => {
    const subsystem = await estate.subsystem(query, body.subsystem);
    if (subsystem === null) throw notFound("subsystems", body.subsystem);
    if ((await estate.class(query, body.class)) === null) throw notFound("classes", body.class);
    const dcns = [];
    for (const id of Object.keys(body.counts)) {
      const dcn = await estate.dcn(query, id);
      if (dcn === null) throw notFound("dcns", id);
      dcns.push(dcn);
    }
    const [environment, ...others] = new Set(dcns.map((dcn) => dcn.environment));
    if (environment === undefined || others.length > 0) {
      const detail = `its DCNs are of ${[environment, ...others].join(" and ")}: one request is for one environment`;
      throw new Failure("request.invalid", detail, { errors: [{ pointer: "counts", message: detail }] });
    }
    return { subsystem, dcns, environment };
  };
  const plan = async (query: Query, body: RequestBody, areas: readonly string[]) => {
    const { answer: found, keep } = await placement.decide(query, {
      items: [
        {
          subsystem: body.subsystem,
          class: body.class,
          areas: body.areas ?? areas,
          counts: body.counts,
          ...(body.countVms === undefined ? {} : { countVms: body.countVms }),
          ...(body.lifetime === undefined ? {} : { lifetime: body.lifetime }),
          ...(body.pool === undefined ? {} : { pool: body.pool }),
        },
      ],
    });
    if (found.outcome === "refusal") throw impossible(found);
    if (found.places.length + found.removals.length === 0) {
      throw new Failure("request.impossible", "every DCN has that many already: there is nothing to do");
    }
    return { promise: promiseOf(body, found), keep };
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
    const stateReason = `${instances.length} instances delivered, ${request.plan.removals.length} retiring`;
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
            `($1::text IS NULL OR subsystem = $1) AND substr(id, 3)::bigint < $2 ORDER BY substr(id, 3)::bigint DESC LIMIT 200`,
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
        const { subsystem, dcns, environment } = await understand(tx.query, body);
        const groups = [...new Set(dcns.map(({ group }) => group))];
        const { business } = subsystem;
        for (const dcnGroup of groups) {
          const scope = { business, environment, dcnGroup };
          requireAccess(principal, { verb: "create", resource: "requests", name: body.subsystem, scope });
        }
        const rules = await estate.environment(tx.query, environment);
        const { ticket, reason } = tx.context;
        if (rules?.ticketRequired === true && ticket === null) {
          throw new Failure("act.ticket-required", `${environment} asks for a change ticket`);
        }
        const needed = rules?.approvals ?? 1;
        if (needed === 0) await placement.lock(tx);
        const { promise, keep } = await plan(tx.query, body, subsystem.areas);
        let request = await insertRequest(tx.query, {
          subsystem: body.subsystem,
          business,
          environment,
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
          const { subsystem } = await understand(tx.query, request.body);
          const { promise: now, keep } = await plan(tx.query, request.body, subsystem.areas);
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
  for (const id of Object.keys(request.body.counts)) groups.add((await estate.dcn(query, id))?.group ?? null);
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

function impossible(refusal: PlacementRefusal): Failure {
  const errors = [
    ...refusal.conflict.map(({ rule, text }) => ({ code: rule, message: text.en })),
    ...refusal.remedies.map(({ kind, text }) => ({ code: `remedy.${kind}`, message: text.en })),
  ];
  return new Failure("request.impossible", refusal.text.en, { errors });
}
