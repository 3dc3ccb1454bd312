import { canonicalJson } from "@wcs/core/canonical";
import type { InstanceDesignRecord, InstanceObservation, InstanceRecord } from "./instance-record.ts";
import { instanceColumns, instanceOf, scopeOfInstance, selectInstances } from "./instance-record.ts";
import { instanceView } from "./instance-view.ts";
import { recordEvent } from "../events/record-event.ts";
import type { Transaction } from "../database/transaction.ts";

/** What can change of an instance after its delivery. */
export type InstanceChanges = Partial<
  Pick<
    InstanceRecord,
    | "wish"
    | "state"
    | "stateReason"
    | "release"
    | "design"
    | "observed"
    | "drift"
    | "heldBy"
    | "move"
    | "cluster"
    | "host"
    | "node"
    | "class"
    | "pool"
    | "borrowed"
    | "retiredAt"
    | "restartOf"
  >
>;

const columnOf: Readonly<Record<keyof InstanceChanges, string>> = {
  wish: "wish",
  state: "state",
  stateReason: "state_reason",
  release: "release",
  design: "design",
  observed: "observed",
  drift: "drift",
  heldBy: "held_by",
  move: "move",
  cluster: "cluster",
  host: "host",
  node: "node",
  class: "class",
  pool: "pool",
  borrowed: "borrowed",
  retiredAt: "retired_at",
  restartOf: "restart_of",
};
const json: readonly string[] = ["design", "observed", "drift", "move"];

/** Locks an instance's row until the transaction ends; null when there is none. */
export async function lockInstance(tx: Transaction, name: string): Promise<InstanceRecord | null> {
  const [instance] = await selectInstances(tx.query, "name = $1 FOR UPDATE", [name]);
  return instance ?? null;
}

/** Writes changes of a locked instance and tells those who watch. */
export async function saveInstance(
  tx: Transaction,
  before: InstanceRecord,
  changes: InstanceChanges,
): Promise<InstanceRecord> {
  const keys = Object.keys(changes) as (keyof InstanceChanges)[];
  const values = keys.map((key) => {
    const value = changes[key];
    return json.includes(key) && value !== null ? JSON.stringify(value) : value;
  });
  const sets = keys.map((key, index) => `${columnOf[key]} = $${index + 2}`);
  if (changes.state !== undefined && changes.state !== before.state) sets.push("state_since = now()");
  const [row] = await tx.query(
    `UPDATE instances SET ${[...sets, "version = version + 1"].join(", ")} WHERE name = $1 RETURNING ${instanceColumns}`,
    [before.name, ...values],
  );
  if (row === undefined) throw new Error(`${before.name} is gone`);
  const after = instanceOf(row);
  tellInstance(tx, after);
  return after;
}

/** Writes down for locked instances what a release wants them to run; a delivered one comes to life by it. Tells those who watch. */
export async function saveDesigns(
  tx: Transaction,
  release: string,
  changes: readonly Readonly<{ before: InstanceRecord; design: InstanceDesignRecord }>[],
): Promise<void> {
  if (changes.length === 0) return;
  const given = changes.map(({ before, design }) => ({ instance: before.name, meant: design }));
  const rows = await tx.query(
    `UPDATE instances SET release = $1, design = given.meant, version = version + 1,
       state = CASE state WHEN 'delivered' THEN 'released' ELSE state END,
       state_since = CASE state WHEN 'delivered' THEN now() ELSE state_since END
     FROM jsonb_to_recordset($2::jsonb) AS given (instance text, meant jsonb)
     WHERE name = given.instance RETURNING ${instanceColumns}`,
    [release, JSON.stringify(given)],
  );
  if (rows.length < changes.length) throw new Error("some of the instances are gone");
  for (const row of rows) tellInstance(tx, instanceOf(row));
}

function tellInstance(tx: Transaction, instance: InstanceRecord): void {
  recordEvent(tx, {
    change: "updated",
    kind: "Instance",
    name: instance.name,
    version: instance.version,
    scope: scopeOfInstance(instance),
    record: instanceView(instance),
  });
}

/** True when two observations say the same. */
export function sameObservation(a: InstanceObservation | null, b: InstanceObservation | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b) || (a !== null && b !== null && keysDiffer(a, b).length === 0);
}

/** True when two lists of differences say the same: the database gives members back in an order of its own, and leaves out what is undefined. */
export function sameDrift(kept: InstanceRecord["drift"], seen: InstanceRecord["drift"]): boolean {
  return canonicalJson(kept) === canonicalJson(JSON.parse(JSON.stringify(seen)));
}

function keysDiffer(a: InstanceObservation, b: InstanceObservation): readonly string[] {
  return (Object.keys(b) as (keyof InstanceObservation)[]).filter((key) => a[key] !== b[key]);
}
