import type { Transaction } from "../database/transaction.ts";
import { Failure } from "../http/failure.ts";
import type { ReleaseRecord } from "./release-record.ts";

/**
 * Takes a release's instances for it, or none: one thing works on an instance at a time. Those of `from`, a release that this one takes back,
 * go over to it.
 */
export async function holdInstances(
  tx: Transaction,
  release: ReleaseRecord,
  from: string | null = null,
): Promise<void> {
  const names = release.plan.targets.map(({ instance }) => instance);
  const rows = await tx.query<{ name: string; held_by: string | null }>(
    "SELECT name, held_by FROM instances WHERE name = ANY($1) ORDER BY name FOR UPDATE",
    [names],
  );
  const busy = rows.filter(({ held_by }) => held_by !== null && held_by !== from && held_by !== release.id);
  if (busy.length > 0) {
    const some = busy.slice(0, 5).map(({ name, held_by }) => `${name} by ${held_by}`);
    throw new Failure("instance.busy", `${busy.length} instances are worked on: ${some.join(", ")}`);
  }
  await tx.query("UPDATE instances SET held_by = $2, version = version + 1 WHERE name = ANY($1)", [names, release.id]);
}

/** Lets go of every instance that a release has. */
export async function freeInstances(tx: Transaction, release: string): Promise<void> {
  await tx.query("UPDATE instances SET held_by = NULL, version = version + 1 WHERE held_by = $1", [release]);
}
