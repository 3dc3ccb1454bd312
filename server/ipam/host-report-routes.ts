import { ipamOperations } from "@wcs/api/ipam";
import { nowhere } from "../access/nowhere.ts";
import { requireAccess, type Principal } from "../access/principal.ts";
import { transaction } from "../database/transaction.ts";
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
      const report = {
        host,
        sequence: body.sequence,
        grantGeneration: body.grantGeneration,
        addresses: body.addresses.map(({ ip, ...entry }) => ({ address: addressOfText(ip), ...entry })),
        conflicts: body.conflicts.map(({ ip, mac }) => ({ address: addressOfText(ip), mac })),
      };
      const actor = { kind: "ServiceAccount", name: `agent-${host}`, tokenId: principal.tokenId } as const;
      const context = { actor, from, requestId, act: send.id, reason: null, ticket: null };
      const { accepted, refusals } = await transaction(database, { context }, (tx) => takeReport(tx, report));
      return answer(200, { accepted, refusals: [...refusals] });
    }),
  ];
}

/** An agent speaks for its own host only: its service account is named after it. */
function requireOwnHost({ kind, name }: Principal, host: string): void {
  if (kind !== "ServiceAccount" || !name.startsWith("agent-") || name === `agent-${host}`) return;
  throw new Failure("auth.forbidden", `${name} may not report for host ${host}`);
}
