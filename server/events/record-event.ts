import type { Scope } from "@wcs/core/access-rights";
import type { Transaction } from "../database/transaction.ts";

/** A change of a resource, for those who watch. `record` is the resource as the API shows it; for `deleted`, as it was. */
export type ResourceChange = Readonly<{
  change: "created" | "updated" | "deleted";
  kind: string;
  name: string;
  version: number;
  scope: Scope;
  record: unknown;
}>;

const pending = Symbol("events");

/** Puts a change into the watch log, in the transaction that makes it. */
export function recordEvent(tx: Transaction, change: ResourceChange): void {
  let changes = tx.notes.get(pending) as ResourceChange[] | undefined;
  if (changes === undefined) {
    const list: ResourceChange[] = [];
    changes = list;
    tx.notes.set(pending, list);
    tx.beforeCommit(() => {
      tx.send(
        `INSERT INTO events (change, kind, name, version, business, environment, dcn_group, record)
         SELECT e.change, e.kind, e.name, e.version, e.business, e.environment, e.dcn_group, e.record
         FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (change text, kind text, name text, version bigint,
           business text, environment text, dcn_group text, record jsonb)) WITH ORDINALITY AS e ORDER BY ordinality`,
        [JSON.stringify(list.map(rowOf))],
      );
    });
  }
  changes.push(change);
}

function rowOf({ change, kind, name, version, scope, record }: ResourceChange): object {
  const { business, environment, dcnGroup } = scope;
  return { change, kind, name, version, business, environment, dcn_group: dcnGroup, record };
}
