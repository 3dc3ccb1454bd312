import { nowhere } from "../access/nowhere.ts";
import { recordAudit } from "../audit/record-audit.ts";
import { transaction, type ActContext } from "../database/transaction.ts";
import type { Feature, Platform } from "../program/platform.ts";

const context: ActContext = {
  actor: { kind: "System", name: "secrets", tokenId: null },
  from: "local",
  requestId: "reconcile",
  act: "secrets.rewrap",
  reason: null,
  ticket: null,
};
const batch = 100;

/** Brings every secret under the current key after a rotation, a batch in a transaction, with its audit. */
export function createSecrets({ database, secrets }: Platform): Feature {
  const rewrapSome = (): Promise<number> =>
    transaction(database, { context }, async (tx) => {
      const { keyId, count } = await secrets.rewrap(tx.query, batch);
      if (count > 0) {
        const resource = { kind: "SecretKey", name: keyId };
        recordAudit(tx, { resource, scope: nowhere, before: null, after: { rewrapped: count }, outcome: "done" });
      }
      return count;
    });
  return {
    routes: [],
    reconcilers: [
      {
        name: "secrets-rewrap",
        keys: async () => ["all"],
        keysOf: () => [],
        reconcile: async (_key, signal) => {
          while (!signal.aborted && (await rewrapSome()) > 0);
        },
        resyncMs: 5000,
        workers: 1,
      },
    ],
  };
}
