import { randomUUID } from "node:crypto";
import { hostReport, onCall } from "@wcs/api/agent-link";
import { ipamOperations, type ReportAnswer, type ReportedHost } from "@wcs/api/ipam";
import { nowhere } from "../access/nowhere.ts";
import { requireAccess, type Principal } from "../access/principal.ts";
import type { AgentLinks } from "../agent-link/index.ts";
import type { Database } from "../database/database.ts";
import { transaction, type ActContext } from "../database/transaction.ts";
import { Failure } from "../http/failure.ts";
import { answer, read, type Route } from "../http/route.ts";
import type { Platform } from "../program/platform.ts";
import { addressOfText } from "./address-row.ts";
import { takeReport } from "./host-reports.ts";

const send = ipamOperations[11];

/**
 * Agents' reports. Not an act of the audit: a host reports every few seconds, and what a report changes is in the history of the addresses,
 * with the host as the actor.
 */
export function hostReportRoutes({ database }: Platform): readonly Route[] {
  return [
    read(send, async ({ params: { host }, body, principal, from, requestId }) => {
      requireAccess(principal, { verb: "report", resource: "hosts", name: host, scope: nowhere });
      requireOwnHost(principal, host);
      const actor = { kind: "ServiceAccount", name: `agent-${host}`, tokenId: principal.tokenId } as const;
      const context = { actor, from, requestId, act: send.id, reason: null, ticket: null };
      return answer(200, await receiveReport(database, { host, body, context }));
    }),
  ];
}

/** Takes reports that come over the agent link. */
export function takeReportsOf(agents: Pick<AgentLinks, "handle">, { database }: Platform): void {
  agents.handle(
    onCall(hostReport, async ({ body, context: { host, from } }) => {
      const actor = { kind: "ServiceAccount", name: `agent-${host}`, tokenId: null } as const;
      const context = { actor, from, requestId: randomUUID(), act: send.id, reason: null, ticket: null };
      return receiveReport(database, { host, body, context });
    }),
  );
}

/** Takes over a host's report, by whichever way it came; that it is of this host, the way has made sure of. */
export async function receiveReport(
  database: Database,
  { host, body, context }: Readonly<{ host: string; body: ReportedHost; context: ActContext }>,
): Promise<ReportAnswer> {
  const report = {
    host,
    sequence: body.sequence,
    grantGeneration: body.grantGeneration,
    addresses: body.addresses.map(({ ip, ...entry }) => ({ address: addressOfText(ip), ...entry })),
    conflicts: body.conflicts.map(({ ip, mac }) => ({ address: addressOfText(ip), mac })),
  };
  const { refusals, ...taken } = await transaction(database, { context }, (tx) => takeReport(tx, report));
  return { ...taken, refusals: [...refusals] };
}

/** An agent speaks for its own host only: its service account is named after it. */
function requireOwnHost({ kind, name }: Principal, host: string): void {
  if (kind !== "ServiceAccount" || !name.startsWith("agent-") || name === `agent-${host}`) return;
  throw new Failure("auth.forbidden", `${name} may not report for host ${host}`);
}
