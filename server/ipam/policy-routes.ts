import { ipamOperations } from "@wcs/api/ipam";
import { defaultReleasePolicy, releasePolicyProblem, type ReleasePolicy } from "@wcs/core/ipam";
import { requireAccess } from "../access/principal.ts";
import type { Scope } from "@wcs/core/access-rights";
import { recordAudit } from "../audit/record-audit.ts";
import type { Query } from "../database/database.ts";
import { Failure } from "../http/failure.ts";
import { act, answer, read, type Route } from "../http/route.ts";
import type { Platform } from "../program/platform.ts";
import { policyOfRow, type PolicyRow } from "./release-policies.ts";

const get = ipamOperations[9];
const set = ipamOperations[10];

/** What a subsystem belongs to; null when there is none of the id. */
export type SubsystemScope = (query: Query, subsystem: string) => Promise<Scope | null>;

/** Release policies of subsystems. */
export function policyRoutes({ database }: Platform, scopeOf: SubsystemScope): readonly Route[] {
  const scopeOrThrow = async (query: Query, subsystem: string): Promise<Scope> => {
    const scope = await scopeOf(query, subsystem);
    if (scope === null) {
      throw new Failure("resource.not-found", `subsystems/${subsystem} is not there, or you may not see it`);
    }
    return scope;
  };
  return [
    read(get, async ({ params: { subsystem }, principal }) => {
      const scope = await scopeOrThrow(database.query, subsystem);
      requireAccess(principal, { verb: "get", resource: "ippolicies", name: subsystem, scope });
      const row = await find(database.query, subsystem);
      const policy = row === null ? defaultReleasePolicy : policyOfRow(row);
      return answer(200, { subsystem, ...policy }, row?.version ?? 0);
    }),
    act(set, async ({ params: { subsystem }, body, principal }, tx) => {
      const scope = await scopeOrThrow(tx.query, subsystem);
      requireAccess(principal, { verb: "update", resource: "ippolicies", name: subsystem, scope });
      const policy = policyOf(body);
      const before = await find(tx.query, subsystem);
      const ttlMs = policy.release === "never" ? null : policy.ttlMs;
      const [row] = await tx.query<PolicyRow>(
        `INSERT INTO ipam_policies AS p (subsystem, release, ttl_ms, cool_down_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (subsystem) DO UPDATE SET release = $2, ttl_ms = $3, cool_down_ms = $4, version = p.version + 1 RETURNING *`,
        [subsystem, policy.release, ttlMs, policy.coolDownMs],
      );
      recordAudit(tx, {
        resource: { kind: "IPPolicy", name: subsystem },
        scope,
        before: before === null ? null : policyOfRow(before),
        after: policy,
        outcome: "done",
      });
      return answer(200, { subsystem, ...policy }, row?.version ?? 1);
    }),
  ];
}

function policyOf(
  body: Readonly<{ release: "never" | "after-ttl"; ttlMs?: number; coolDownMs: number }>,
): ReleasePolicy {
  const { release, ttlMs, coolDownMs } = body;
  if ((release === "after-ttl") !== (ttlMs !== undefined)) {
    throw new Failure("ipam.policy-invalid", `${release} ${ttlMs === undefined ? "needs" : "has no"} ttlMs`);
  }
  const policy: ReleasePolicy =
    release === "after-ttl" && ttlMs !== undefined ? { release, ttlMs, coolDownMs } : { release: "never", coolDownMs };
  const problem = releasePolicyProblem(policy);
  if (problem !== null) throw new Failure("ipam.policy-invalid", problem);
  return policy;
}

async function find(query: Query, subsystem: string): Promise<PolicyRow | null> {
  const [row] = await query<PolicyRow>("SELECT * FROM ipam_policies WHERE subsystem = $1", [subsystem]);
  return row ?? null;
}
