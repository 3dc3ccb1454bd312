import { compareNetwork, differenceKinds, viewsWithin, type AnnotatedNic } from "@wcs/core/ipam";
import { formatIpv4Address } from "@wcs/core/ipv4";
import { nowhere } from "../access/nowhere.ts";
import { transaction, type ActContext } from "../database/transaction.ts";
import type { Database } from "../database/database.ts";
import { recordOfRow, scopeOfRow, type AddressRow } from "./address-row.ts";
import { blocksByHost } from "./dynamic-blocks.ts";
import { hostReportsOf } from "./host-reports.ts";
import { keepDifferences, type FoundDifference } from "./keep-differences.ts";
import { ledgerParts } from "./ledger-parts.ts";

/**
 * Compares ledger, Kubernetes and hosts, and keeps what differs. `annotations` gives null when Kubernetes could not be read in full.
 * Returns how many differences there are.
 */
export async function compareLedger(
  database: Database,
  options: Readonly<{ context: ActContext; annotations: () => Promise<readonly AnnotatedNic[] | null> }>,
): Promise<number> {
  const annotations = await options.annotations();
  const { fresh: reports } = await hostReportsOf(database.query);
  const blocks = await blocksByHost(database.query);
  const annotated = new Set(annotations?.map(({ instance }) => instance));
  const found: FoundDifference[] = [];
  for await (const { rows, range } of ledgerParts(
    database.query,
    "owner_kind = 'instance' OR condition = 'conflict'",
  )) {
    const views = viewsWithin({ annotations, annotated, reports, blocks }, range);
    // An address that a host or an annotation names may be nobody's, or a machine's; other machines' are not compared.
    const named = new Set(
      [...views.reports.flatMap(({ addresses }) => addresses), ...(views.annotations ?? [])].map(({ address }) =>
        formatIpv4Address(address),
      ),
    );
    const others = await database.query<AddressRow>(
      `SELECT * FROM ipam_addresses
       WHERE ip = ANY($1::inet[]) AND owner_kind IS DISTINCT FROM 'instance' AND condition <> 'conflict'`,
      [[...named]],
    );
    const all = [...rows, ...others];
    const scopes = new Map(all.map((row) => [row.ip, scopeOfRow(row)]));
    for (const { address, kind, instance, host, detail } of compareNetwork({
      ...views,
      records: all.map(recordOfRow),
    })) {
      const ip = formatIpv4Address(address);
      found.push({ kind, ip, host: host ?? "", instance, scope: scopes.get(ip) ?? nowhere, detail });
    }
  }
  const kinds = differenceKinds.filter((kind) => annotations !== null || !kubernetesKinds.has(kind));
  await transaction(database, { context: options.context }, (tx) => keepDifferences(tx, kinds, found));
  return found.length;
}

/** What only Kubernetes can tell of: without it, what was found before stays. */
const kubernetesKinds: ReadonlySet<string> = new Set(["stale-annotation", "annotation-not-in-ledger", "not-annotated"]);
