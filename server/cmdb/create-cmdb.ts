import { logEnd } from "../events/watch-log.ts";
import type { Feature, Platform } from "../program/platform.ts";
import type { CmdbAdapter } from "./cmdb-adapter.ts";
import { deliverDue, nextDueMs } from "./cmdb-delivery.ts";
import { cmdbKinds, takeIn } from "./cmdb-intake.ts";
import { cmdbRoutes } from "./cmdb-routes.ts";
import { secretNameOf, type CmdbTargetRow } from "./cmdb-targets.ts";
import { webhookAdapter } from "./webhook-adapter.ts";

/** Adapters by a target's type. The next one (NetBox) is a function here and a word in the contract. */
const adapters: Readonly<Record<CmdbTargetRow["type"], CmdbAdapter>> = { webhook: webhookAdapter };

/** The outbox to the bank's CMDB. */
export function createCmdb(platform: Platform): Feature {
  const { database, secrets } = platform;
  const { query } = database;
  return {
    routes: cmdbRoutes(platform),
    reconcilers: [
      {
        name: "cmdb-intake",
        keys: async () => ["log"],
        keysOf: ({ kind }) => (cmdbKinds.has(kind) ? ["log"] : []),
        reconcile: async (_key, signal) => {
          const end = await logEnd(query);
          while (!signal.aborted && !(await takeIn(database, end)));
        },
        resyncMs: 30_000,
        workers: 1,
      },
      {
        name: "cmdb-delivery",
        keys: async () =>
          (await query<{ name: string }>("SELECT name FROM cmdb_targets WHERE enabled")).map(({ name }) => name),
        keysOf: ({ kind, name }) => (kind === "CmdbTarget" ? [name] : []),
        reconcile: async (target, signal) => {
          const [row] = await query<CmdbTargetRow>("SELECT * FROM cmdb_targets WHERE name = $1 AND enabled", [target]);
          const key = row === undefined ? null : await secrets.get(query, secretNameOf(target));
          if (row === undefined || key === null) return undefined;
          const endpoint = { url: row.url, key };
          let tried = 0;
          do tried = await deliverDue(query, { target, endpoint, adapter: adapters[row.type], signal });
          while (tried > 0 && !signal.aborted);
          const dueMs = await nextDueMs(query, target);
          return { againAfterMs: Math.max(50, Math.min(dueMs ?? 1000, 1000)) };
        },
        resyncMs: 10_000,
        workers: 4,
      },
    ],
  };
}
