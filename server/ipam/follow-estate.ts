import type { EstateDocument } from "@wcs/core/estate";
import { transaction, type ActContext } from "../database/transaction.ts";
import { readEstate } from "../estate/read-estate.ts";
import type { Platform } from "../program/platform.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import { forgetSubnet, syncArea, syncSubnet } from "./sync-network.ts";

const name = "ipam-network";
const kinds = ["Area", "Subnet"] as const;

/** Lets the ledger take over what the estate says of areas and subnets. */
export function networkReconciler({ database }: Platform): Reconciler {
  const context: ActContext = {
    actor: { kind: "System", name, tokenId: null },
    from: "server",
    requestId: "",
    act: "ipam.take-over",
    reason: null,
    ticket: null,
  };
  return {
    name,
    keys: async () => {
      const rows = await database.query<{ key: string }>(
        `SELECT 'Area/' || name AS key FROM areas UNION ALL SELECT 'Subnet/' || name FROM subnets
         UNION ALL SELECT 'Subnet/' || name FROM ipam_subnets WHERE name NOT IN (SELECT name FROM subnets)`,
      );
      return rows.map(({ key }) => key);
    },
    keysOf: ({ kind, name }) => (kinds.some((known) => known === kind) ? [`${kind}/${name}`] : []),
    reconcile: async (key) => {
      const [kind = "", ...rest] = key.split("/");
      const of = rest.join("/");
      await transaction(database, { context }, async (tx) => {
        if (kind === "Area") {
          const area = (await readEstate(tx.query, "Area", of))?.record as EstateDocument<"Area"> | undefined;
          if (area !== undefined) await syncArea(tx, areaOf(area));
          return;
        }
        const subnet = (await readEstate(tx.query, "Subnet", of))?.record as EstateDocument<"Subnet"> | undefined;
        if (subnet === undefined) return forgetSubnet(tx, of);
        const { spec } = subnet;
        const area = (await readEstate(tx.query, "Area", spec.area))?.record as EstateDocument<"Area"> | undefined;
        if (area !== undefined) await syncArea(tx, areaOf(area));
        await syncSubnet(tx, {
          name: of,
          rack: spec.rack,
          area: spec.area,
          network: spec.cidr,
          gateway: spec.gateway,
          fixed: spec.fixed ?? null,
          dynamic: spec.dynamic ?? null,
          conflictProbe: spec.conflictProbe ?? true,
        });
      });
    },
    resyncMs: 300_000,
    // One after another: two subnets of one area would take it over at once.
    workers: 1,
  };
}

function areaOf({ name, spec }: EstateDocument<"Area">) {
  return { name, external: spec.external, prefixes: spec.prefixes ?? [] };
}
