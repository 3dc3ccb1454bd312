import { canonicalJson } from "@wcs/core/canonical";
import type { Scope } from "@wcs/core/access-rights";
import type { Transaction } from "../database/transaction.ts";

/** What was done to which resource. Who, from where, and why come from the transaction's context. */
export type AuditedChange = Readonly<{
  resource: Readonly<{ kind: string; name: string }>;
  scope: Scope;
  before: unknown;
  after: unknown;
  outcome: "done" | "denied" | "failed";
}>;

/**
 * How many chains share the load. A chain's head is locked from the entry to its commit (about a disk flush), so that one chain holds
 * about as many acts a second as the disk flushes; eight wait for each other seldom. docs/adr/ has the measurement.
 */
export const chainCount = 8;

const pending = Symbol("audit");

/**
 * Records a change in the transaction that makes it: as its very last statement, so that a chain's head is locked for as short as can
 * be. An act whose entry can't be written is rolled back.
 */
export function recordAudit(tx: Transaction, change: AuditedChange): void {
  let entries = tx.notes.get(pending) as string[] | undefined;
  if (entries === undefined) {
    const list: string[] = [];
    entries = list;
    tx.notes.set(pending, list);
    tx.atLast(() => {
      const first = Math.floor(Math.random() * chainCount);
      tx.send("SELECT append_audit($1, $2, $3)", [chainCount, first, list]);
    });
  }
  const { actor, from, requestId, act, reason, ticket } = tx.context;
  const { business, environment, dcnGroup } = change.scope;
  const { resource, before = null, after = null, outcome } = change;
  const at = new Date().toISOString();
  const who = { actor, from, requestId, reason, ticket };
  const what = { act, resource, business, environment, dcnGroup, before, after, outcome };
  entries.push(canonicalJson({ at, ...who, ...what }));
}

/** How many entries the transaction has recorded so far. */
export function recordedAudits(tx: Transaction): number {
  return (tx.notes.get(pending) as string[] | undefined)?.length ?? 0;
}
