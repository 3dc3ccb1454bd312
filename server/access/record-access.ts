import type { AccessKind } from "@wcs/api/access";
import { recordAudit } from "../audit/record-audit.ts";
import type { Transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import { scopeOfAccess, type AccessRecord } from "./access-store.ts";

/** Tells watchers and the audit of a change of a record; null stands for not there. */
export function recordAccess(
  tx: Transaction,
  kind: AccessKind,
  { before, after }: Readonly<{ before: AccessRecord | null; after: AccessRecord | null }>,
): void {
  const last = after ?? before;
  if (last === null) throw new Error("a change has a before or an after");
  const { name, version, spec } = last;
  const scope = scopeOfAccess(kind, spec);
  const change = after === null ? "deleted" : before === null ? "created" : "updated";
  recordEvent(tx, { change, kind, name, version, scope, record: last });
  recordAudit(tx, { resource: { kind, name }, scope, before, after, outcome: "done" });
}
