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

/**
 * Two DCNs of one group hold the same customers: they are not changed at once, by two releases of one subsystem either, unless this one's
 * strategy says so. Call it with the release's instances held.
 */
export async function refuseBesideGroup(tx: Transaction, release: ReleaseRecord): Promise<void> {
  // Two that start at once see each other: the second waits here for the first.
  await tx.query("SELECT pg_advisory_xact_lock(7831, hashtext($1))", [release.subsystem]);
  if (release.plan.strategy.groupTogether) return;
  const [beside] = await tx.query<{ name: string; dcn: string; dcn_group: string; held_by: string }>(
    `SELECT o.name, o.dcn, o.dcn_group, o.held_by FROM instances o JOIN instances i ON i.held_by = $1
       AND i.subsystem = o.subsystem AND i.dcn_group = o.dcn_group AND i.dcn <> o.dcn
     WHERE o.held_by IS NOT NULL AND o.held_by <> $1 AND o.subsystem = $2 ORDER BY o.name LIMIT 1`,
    [release.id, release.subsystem],
  );
  if (beside === undefined) return;
  const { name, dcn, dcn_group: group, held_by: by } = beside;
  const detail = `${by} works on ${name} in ${dcn}, and two DCNs of group ${group} are not changed at once: wait for its end, or plan the release with groupTogether`;
  throw new Failure("instance.busy", detail);
}
