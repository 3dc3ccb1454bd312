import { randomBytes } from "node:crypto";
import { agentOperations } from "@wcs/api/agent";
import { formatJoinToken } from "@wcs/api/agent-link";
import type { Scope } from "@wcs/core/access-rights";
import { notFound, principalReach, requireAccess, type Principal } from "../access/principal.ts";
import { scopeCondition } from "../access/scope-condition.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Query, Row } from "../database/database.ts";
import { Failure } from "../http/failure.ts";
import { decodePageCursor, encodePageCursor } from "../http/page-cursor.ts";
import { act, answer, read } from "../http/route.ts";
import type { Feature, Platform } from "../program/platform.ts";
import type { AgentLinks } from "./agent-links.ts";
import { hashOf, selectAgents, type AgentRecord } from "./agent-store.ts";
import { agentKind, revokeAgent } from "./join-agent.ts";

const [list, get, createToken, revoke] = agentOperations;
const scopeColumns = { business: "h.business", environment: "h.environment", dcnGroup: "h.dcn_group" } as const;

export type AgentNeighbours = Readonly<{
  agents: AgentLinks;
  /** What a host belongs to; null when there is none of the name. */
  scopeOfHost: (query: Query, host: string) => Promise<Scope | null>;
}>;

/** `/api/v1/agents`: which hosts' agents have joined, their tokens, their end; and the links to them. */
export function createAgents(platform: Platform, { agents, scopeOfHost }: AgentNeighbours): Feature {
  const { query } = platform.database;

  const allowed = async (wish: Readonly<{ query: Query; principal: Principal; verb: string; host: string }>) => {
    const { principal, verb, host: name } = wish;
    const scope = await scopeOfHost(wish.query, name);
    if (scope === null) throw notFound("agents", name);
    requireAccess(principal, { verb, resource: "agents", name, scope });
    return scope;
  };
  const agentOf = async (tx: Query, host: string): Promise<AgentRecord> => {
    const [record] = await selectAgents(tx, "a.host = $1", [host]);
    if (record === undefined) throw notFound("agents", host);
    return record;
  };

  return {
    run: agents.run,
    routes: [
      read(list, async ({ query: asked, principal }) => {
        const limit = asked.limit ?? 100;
        const [after] = asked.cursor === undefined ? [""] : decodePageCursor(asked.cursor, ["string"]);
        const scope = scopeCondition(principalReach(principal, "list", "agents"), scopeColumns, 3);
        const where = `a.host > $1 AND ${scope.text} ORDER BY a.host LIMIT $2`;
        const found = await selectAgents(query, where, [after, limit + 1, ...scope.values]);
        const items = found.slice(0, limit);
        const last = items.at(-1);
        const isMore = found.length > limit && last !== undefined;
        return answer(200, { items: items.map(shown), next: isMore ? encodePageCursor([last.host]) : null });
      }),
      read(get, async ({ params, principal }) => {
        await allowed({ query, principal, verb: "get", host: params.name });
        const record = await agentOf(query, params.name);
        return answer(200, shown(record), record.version);
      }),
      act(
        createToken,
        async ({ params, body, principal, query: asked }, tx, authority) => {
          const scope = await allowed({ query: tx.query, principal, verb: "create", host: params.name });
          const id = randomBytes(10).toString("hex");
          const secret = randomBytes(32).toString("base64url");
          await tx.query("DELETE FROM agent_join_tokens WHERE host = $1 AND (used_at IS NULL OR expires_at < now())", [
            params.name,
          ]);
          const [row] = await tx.query<Row & Readonly<{ expires_at: Date }>>(
            `INSERT INTO agent_join_tokens (id, hash, host, expires_at) VALUES ($1, $2, $3, now() + $4 * interval '1 minute')
             RETURNING expires_at`,
            [id, hashOf(secret), params.name, body.lifetimeMinutes],
          );
          if (row === undefined) throw new Error("INSERT returned no row");
          const expiresAt = row.expires_at.toISOString();
          const after = { token: id, expiresAt };
          recordAudit(tx, {
            resource: { kind: agentKind, name: params.name },
            scope,
            before: null,
            after,
            outcome: "done",
          });
          const text = formatJoinToken({ id, secret, authority: authority.fingerprint });
          return answer(201, { host: params.name, text: asked.dryRun === true ? "" : text, expiresAt });
        },
        async () => await agents.authority(),
      ),
      act(revoke, async ({ params, principal }, tx) => {
        const scope = await allowed({ query: tx.query, principal, verb: "delete", host: params.name });
        const { reason } = tx.context;
        if (reason === null) throw new Failure("act.reason-required", "say why the agent is revoked");
        await agentOf(tx.query, params.name);
        if (!(await revokeAgent(tx, params.name, scope, reason))) {
          const after = { revoked: reason, already: true };
          recordAudit(tx, {
            resource: { kind: agentKind, name: params.name },
            scope,
            before: null,
            after,
            outcome: "done",
          });
        }
        const record = await agentOf(tx.query, params.name);
        return answer(200, shown(record), record.version);
      }),
    ],
  };
}

const shown = (record: AgentRecord) => ({ ...record, links: [...record.links] });
