import { grantEffect } from "@wcs/core/privilege-grant";
import { recordAudit } from "../audit/record-audit.ts";
import type { Transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import type { GrantRecord } from "./grant-record.ts";

/** An act on a grant as watchers and auditors see it. */
export function recordGrant(tx: Transaction, before: GrantRecord | null, after: GrantRecord): void {
  const [first] = after.scopes;
  const scope = {
    business: after.business,
    environment: after.scopes.every(({ environment }) => environment === first?.environment)
      ? (first?.environment ?? null)
      : null,
    dcnGroup: after.scopes.length === 1 ? (first?.dcnGroup ?? null) : null,
  };
  const shown = viewOf(after);
  const change = before === null ? "created" : "updated";
  recordEvent(tx, { change, kind: "Grant", name: after.id, version: after.version, scope, record: shown });
  recordAudit(tx, {
    resource: { kind: "Grant", name: after.id },
    scope,
    before: before === null ? null : viewOf(before),
    after: shown,
    outcome: "done",
  });
}

/** A grant as the API shows it. */
export function viewOf(grant: GrantRecord) {
  const { wish } = grant;
  const startsAtMs = grant.startsAt?.getTime() ?? null;
  const endsAtMs = grant.endsAt?.getTime() ?? null;
  return {
    id: grant.id,
    person: grant.person,
    grade: wish.grade,
    instances: [...wish.instances],
    capabilities: [...wish.capabilities],
    image: wish.image,
    minutes: wish.minutes,
    business: grant.business,
    hash: grant.hash,
    state: grant.state,
    active:
      grantEffect({ state: grant.state, startsAtMs, endsAtMs }, Math.max(Date.now(), startsAtMs ?? 0)) === "active",
    approvedBy: grant.approvedBy,
    startsAt: grant.startsAt?.toISOString() ?? null,
    endsAt: grant.endsAt?.toISOString() ?? null,
    why: grant.why,
    note: grant.note,
    ticket: grant.ticket,
    createdAt: grant.createdAt.toISOString(),
    version: grant.version,
  };
}
