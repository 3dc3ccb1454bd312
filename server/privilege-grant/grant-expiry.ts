import { transaction, type ActContext } from "../database/transaction.ts";
import type { Platform } from "../program/platform.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import { selectGrants, updateGrant } from "./grant-record.ts";
import { recordGrant } from "./grant-view.ts";

const context: ActContext = {
  actor: { kind: "System", name: "grant-expiry", tokenId: null },
  from: "local",
  requestId: "reconcile",
  act: "grants.expire",
  reason: "its time is over",
  ticket: null,
};

/** Writes down that a grant's time is over, so that watchers and sessions learn of it. What counts never waits for this. */
export function grantExpiry({ database }: Platform): Reconciler {
  return {
    name: "grant-expiry",
    keys: async () =>
      (await selectGrants(database.query, "state = 'approved' ORDER BY number LIMIT 10000", [])).map(({ id }) => id),
    keysOf: ({ kind, name }) => (kind === "Grant" ? [name] : []),
    reconcile: async (id): Promise<void | Readonly<{ againAfterMs: number }>> => {
      const [grant] = await selectGrants(database.query, "number = $1", [id.slice(2)]);
      if (grant?.state !== "approved" || grant.endsAt === null) return;
      const leftMs = grant.endsAt.getTime() - Date.now();
      if (leftMs > 0) return { againAfterMs: leftMs + 50 };
      await transaction(database, { context }, async (tx) => {
        const [now] = await selectGrants(tx.query, "number = $1 AND ends_at <= now() FOR UPDATE", [id.slice(2)]);
        if (now?.state !== "approved") return;
        recordGrant(tx, now, await updateGrant(tx.query, now, { state: "expired", note: "its time is over" }));
      });
    },
    resyncMs: 60_000,
    workers: 1,
  };
}
