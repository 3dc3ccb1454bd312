import { recordAudit } from "../audit/record-audit.ts";
import type { Transaction } from "../database/transaction.ts";
import { freeInstances } from "./hold-instances.ts";
import { scopeOfRelease, selectReleases, updateRelease, type ReleaseRecord } from "./release-record.ts";

/** Ends the release that another one was taking back, when that one has ended: it is rolled back, or, if that was aborted, half of it stands. */
export async function endTakingBack(
  tx: Transaction,
  id: string,
  change: Readonly<{ state: Extract<ReleaseRecord["state"], "rolled-back" | "aborted">; stateReason: string }>,
): Promise<void> {
  const [release] = await selectReleases(tx.query, "id = $1 FOR UPDATE", [id]);
  if (release?.state !== "rolling-back") return;
  await updateRelease(tx, release, { ...change, endedAt: new Date() });
  await freeInstances(tx, id);
  recordAudit(tx, {
    resource: { kind: "Release", name: id },
    scope: scopeOfRelease(release),
    before: { state: release.state },
    after: { state: change.state, reason: change.stateReason },
    outcome: "done",
  });
}
