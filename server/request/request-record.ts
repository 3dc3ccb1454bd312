import type { RequestBody, RequestPlan } from "@wcs/api/request";
import type { Scope } from "@wcs/core/access-rights";
import { canonicalHash } from "@wcs/core/canonical";
import type { Query, Row } from "../database/database.ts";

export type RequestRecord = Readonly<{
  id: string;
  subsystem: string;
  business: string;
  environment: string;
  dcnGroup: string | null;
  body: RequestBody;
  plan: RequestPlan;
  planHash: string;
  state: "awaiting-approval" | "delivered" | "rejected" | "withdrawn";
  stateReason: string;
  approvals: readonly Readonly<{ by: string; planHash: string; at: string }>[];
  instances: readonly string[];
  requester: string;
  ticket: string | null;
  reason: string | null;
  version: number;
  createdAt: string;
}>;

const columns = `id, subsystem, business, environment, dcn_group AS "dcnGroup", body, plan, plan_hash AS "planHash", state,
  state_reason AS "stateReason", approvals, instances, requester, ticket, reason, version, created_at`;

type RequestRow = Row & Omit<RequestRecord, "createdAt"> & Readonly<{ created_at: Date }>;

/** Reads requests by a condition on the table `requests`. */
export async function selectRequests(
  query: Query,
  where: string,
  values: readonly unknown[],
): Promise<readonly RequestRecord[]> {
  const rows = await query<RequestRow>(`SELECT ${columns} FROM requests WHERE ${where}`, [...values]);
  return rows.map(({ created_at, ...row }) => ({ ...row, createdAt: created_at.toISOString() }));
}

/** Adds a request under the next number. */
export async function insertRequest(
  query: Query,
  request: Omit<RequestRecord, "id" | "state" | "stateReason" | "approvals" | "instances" | "version" | "createdAt">,
): Promise<RequestRecord> {
  const [row] = await query<{ id: string }>(
    `INSERT INTO requests (id, subsystem, business, environment, dcn_group, body, plan, plan_hash, state, requester, ticket, reason)
     VALUES ('q-' || nextval('request_numbers'), $1, $2, $3, $4, $5, $6, $7, 'awaiting-approval', $8, $9, $10) RETURNING id`,
    [
      request.subsystem,
      request.business,
      request.environment,
      request.dcnGroup,
      JSON.stringify(request.body),
      JSON.stringify(request.plan),
      request.planHash,
      request.requester,
      request.ticket,
      request.reason,
    ],
  );
  const [inserted] = await selectRequests(query, "id = $1", [row?.id]);
  if (inserted === undefined) throw new Error("INSERT returned no row");
  return inserted;
}

/** Writes what can change of a request. */
export async function updateRequest(
  query: Query,
  request: RequestRecord,
  changes: Partial<Pick<RequestRecord, "plan" | "planHash" | "state" | "stateReason" | "approvals" | "instances">>,
): Promise<RequestRecord> {
  const after = { ...request, ...changes };
  await query(
    `UPDATE requests SET plan = $2, plan_hash = $3, state = $4, state_reason = $5, approvals = $6, instances = $7,
       version = version + 1, updated_at = now() WHERE id = $1`,
    [
      request.id,
      JSON.stringify(after.plan),
      after.planHash,
      after.state,
      after.stateReason,
      JSON.stringify(after.approvals),
      after.instances,
    ],
  );
  return { ...after, version: request.version + 1 };
}

/** A plan and its hash together with what was asked for. */
export function promiseOf(body: RequestBody, plan: RequestPlan): { plan: RequestPlan; planHash: string } {
  const { places, removals, resizes } = plan;
  return { plan, planHash: canonicalHash({ body, places, removals, resizes }) };
}

/** What a request belongs to. */
export function scopeOfRequest(request: RequestRecord): Scope {
  return { business: request.business, environment: request.environment, dcnGroup: request.dcnGroup };
}
