import { grantOperations } from "@wcs/api/privilege-grant";
import { reaches, type Scope } from "@wcs/core/access-rights";
import { canonicalHash, canonicalJson } from "@wcs/core/canonical";
import { grantProblems, grantRefusal, type GrantWish } from "@wcs/core/privilege-grant";
import { notFound, principalReach, requireAccess, type Principal } from "../access/principal.ts";
import type { Query, Row } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";
import { Failure } from "../http/failure.ts";
import { decodePageCursor, encodePageCursor } from "../http/page-cursor.ts";
import { act, answer, read } from "../http/route.ts";
import type { Feature, Platform } from "../program/platform.ts";
import { grantExpiry } from "./grant-expiry.ts";
import { recordGrant, viewOf } from "./grant-view.ts";
import { insertGrant, selectGrants, updateGrant, type GrantRecord } from "./grant-record.ts";

const [list, create, get, approve, reject, end] = grantOperations;
const pageOfRows = 200;

/** The business, environment and DCN group of each instance that is not retired. */
export type InstanceScopes = (query: Query, names: readonly string[]) => Promise<ReadonlyMap<string, Scope>>;

/** `/api/v1/grants`: a privilege is asked for, approved by another person, and ends by itself. */
export function createGrants(platform: Platform, scopesOfInstances: InstanceScopes): Feature {
  /** The grant, for somebody who may do the verb on all of its instances, and whom it does not tell of what they may not see. */
  const locked = async (tx: Transaction, principal: Principal, id: string, verb: string): Promise<GrantRecord> => {
    const [grant] = await selectGrants(tx.query, "number = $1 FOR UPDATE", [id.slice(2)]);
    if (grant === undefined) throw notFound("grants", id);
    const verbs = isHolder(principal, grant) ? [verb] : ["get", verb];
    for (const verb of verbs) {
      for (const scope of grant.scopes) requireAccess(principal, { verb, resource: "grants", name: id, scope });
    }
    return grant;
  };

  return {
    reconcilers: [grantExpiry(platform)],
    routes: [
      read(list, async ({ query: asked, principal }) => {
        const limit = asked.limit ?? 100;
        const reach = principalReach(principal, "list", "grants");
        const items: GrantRecord[] = [];
        let [before] =
          asked.cursor === undefined ? [Number.MAX_SAFE_INTEGER] : decodePageCursor(asked.cursor, ["number"]);
        for (let isLast = false; items.length < limit && !isLast;) {
          const page = await selectGrants(
            platform.database.query,
            `($1::text IS NULL OR person = $1) AND ($2::text IS NULL OR instances @> ARRAY[$2]) AND number < $3
             ORDER BY number DESC LIMIT ${pageOfRows}`,
            [asked.person ?? null, asked.instance ?? null, before],
          );
          isLast = page.length < pageOfRows;
          for (const grant of page) {
            if (items.length === limit) break;
            before = grant.number;
            if (isHolder(principal, grant) || grant.scopes.every((scope) => reaches(reach, scope))) items.push(grant);
          }
        }
        const next = items.length === limit ? encodePageCursor([before]) : null;
        return answer(200, { items: items.map(viewOf), next });
      }),
      act(create, async ({ body, principal }, tx) => {
        const wish: GrantWish = {
          grade: body.grade,
          instances: body.instances,
          capabilities: body.capabilities ?? [],
          image: body.image ?? null,
          minutes: body.minutes,
        };
        const { reason, ticket } = tx.context;
        const found = await scopesOfInstances(tx.query, wish.instances);
        for (const name of wish.instances) {
          const scope = found.get(name);
          if (scope === undefined) throw notFound("instances", name);
          requireAccess(principal, { verb: "get", resource: "instances", name, scope });
          requireAccess(principal, { verb: "create", resource: "grants", name, scope });
        }
        const businesses = new Set([...found.values()].map(({ business }) => business));
        const [business] = businesses;
        const errors = [
          ...grantProblems(wish),
          ...(principal.kind === "Person" ? [] : [{ pointer: "", message: "only a person can hold a grant" }]),
          ...(businesses.size > 1 ? [{ pointer: "/instances", message: "they belong to several businesses" }] : []),
        ];
        if (errors.length > 0 || typeof business !== "string") {
          throw new Failure("grant.refused", errors[0]?.message ?? "its instances belong to no business", { errors });
        }
        if (reason === null) throw new Failure("act.reason-required", "say what the grant is for");
        const scopes = [...new Map([...found.values()].map((scope) => [canonicalJson(scope), scope])).values()];
        const asked = { person: principal.name, wish, business, scopes, why: reason, ticket };
        const grant = await insertGrant(tx.query, { ...asked, hash: canonicalHash(asked) });
        recordGrant(tx, null, grant);
        return answer(201, viewOf(grant), grant.version);
      }),
      read(get, async ({ params, principal }) => {
        const [grant] = await selectGrants(platform.database.query, "number = $1", [params.id.slice(2)]);
        if (grant === undefined) throw notFound("grants", params.id);
        if (!isHolder(principal, grant)) {
          for (const scope of grant.scopes) {
            requireAccess(principal, { verb: "get", resource: "grants", name: params.id, scope });
          }
        }
        return answer(200, viewOf(grant), grant.version);
      }),
      act(approve, async ({ params, body, principal }, tx) => {
        const before = await locked(tx, principal, params.id, "approve");
        requireState(before, ["awaiting-approval"]);
        const refusal = grantRefusal({
          holder: before.person,
          approver: principal.name,
          seenHash: body.hash,
          hash: before.hash,
        });
        if (refusal !== null) throw new Failure("approval.refused", refusal);
        const after = await updateGrant(tx.query, before, { state: "approved", approvedBy: principal.name });
        recordGrant(tx, before, after);
        return answer(200, viewOf(after), after.version);
      }),
      act(reject, async ({ params, body, principal }, tx) => {
        const before = await locked(tx, principal, params.id, "approve");
        requireState(before, ["awaiting-approval", "approved"]);
        const state = before.state === "approved" ? "ended" : "rejected";
        const after = await updateGrant(tx.query, before, { state, note: body.note });
        recordGrant(tx, before, after);
        return answer(200, viewOf(after), after.version);
      }),
      act(end, async ({ params, body, principal }, tx) => {
        const before = await locked(tx, principal, params.id, "create");
        if (!isHolder(principal, before)) throw new Failure("approval.refused", `${before.id} is ${before.person}'s`);
        requireState(before, ["awaiting-approval", "approved"]);
        const state = before.state === "approved" ? "ended" : "withdrawn";
        const after = await updateGrant(tx.query, before, { state, note: body.note });
        recordGrant(tx, before, after);
        return answer(200, viewOf(after), after.version);
      }),
    ],
  };
}

/** The scopes of instances, from the table of instances. */
export const scopesOfInstances: InstanceScopes = async (query, names) => {
  const rows = await query<Row & Readonly<{ name: string; business: string; environment: string; dcn_group: string }>>(
    "SELECT name, business, environment, dcn_group FROM instances WHERE name = ANY ($1) AND retired_at IS NULL",
    [names],
  );
  return new Map(
    rows.map(({ name, business, environment, dcn_group }) => [name, { business, environment, dcnGroup: dcn_group }]),
  );
};

const isHolder = (principal: Principal, grant: GrantRecord): boolean =>
  principal.kind === "Person" && principal.name === grant.person;

function requireState(grant: GrantRecord, states: readonly GrantRecord["state"][]): void {
  const isOver = grant.state === "approved" && !viewOf(grant).active;
  if (states.includes(grant.state) && !isOver) return;
  throw new Failure("approval.refused", `${grant.id} is ${isOver ? "expired" : grant.state}`);
}
