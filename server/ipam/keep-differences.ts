import type { Scope } from "@wcs/core/access-rights";
import type { Transaction } from "../database/transaction.ts";

/** One difference, as it is kept. `ip`, `kind` and `host` name it; `host` is empty where none is concerned. */
export type FoundDifference = Readonly<{
  kind: string;
  ip: string;
  host: string;
  instance: string | null;
  scope: Scope;
  detail: string;
}>;

/** Replaces the differences of these kinds by the ones found now; how long and how often each was seen is kept. */
export async function keepDifferences(
  tx: Transaction,
  kinds: readonly string[],
  found: readonly FoundDifference[],
): Promise<void> {
  const rows = found.map(({ scope, ...rest }) => ({
    ...rest,
    business: scope.business,
    environment: scope.environment,
    dcn_group: scope.dcnGroup,
  }));
  await tx.query(
    `WITH found AS (SELECT DISTINCT ON (ip, kind, host) * FROM jsonb_to_recordset($1::jsonb) AS
         (kind text, ip inet, host text, instance text, detail text, business text, environment text, dcn_group text)
         ORDER BY ip, kind, host),
       gone AS (DELETE FROM ipam_differences d WHERE d.kind = ANY($2)
         AND NOT EXISTS (SELECT 1 FROM found f WHERE (f.ip, f.kind, f.host) = (d.ip, d.kind, d.host)))
     INSERT INTO ipam_differences (kind, ip, host, instance, detail, business, environment, dcn_group)
     SELECT kind, ip, host, instance, detail, business, environment, dcn_group FROM found
     ON CONFLICT (ip, kind, host) DO UPDATE SET instance = excluded.instance, detail = excluded.detail, business = excluded.business,
       environment = excluded.environment, dcn_group = excluded.dcn_group, last_seen = now(),
       times_seen = ipam_differences.times_seen + 1`,
    [JSON.stringify(rows), kinds],
  );
}
