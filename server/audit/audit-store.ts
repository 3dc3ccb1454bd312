import { verifyChain, type ChainFault, type ChainHead, type ChainRow } from "@wcs/core/audit";
import type { Reach } from "@wcs/core/access-rights";
import { scopeCondition } from "../access/scope-condition.ts";
import type { Query, Row } from "../database/database.ts";

/** Which entries a list wants; null or absent is any. */
export type AuditFilter = Readonly<{
  actor?: string;
  kind?: string;
  name?: string;
  act?: string;
  since?: string;
  until?: string;
}>;

/** A place in the list, which goes from the newest to the oldest. */
export type AuditPlace = readonly [at: string, chain: number, sequence: number];

const verifyBatch = 2000;
const mostFaults = 1000;

/** The entries of a page. */
export async function listAudit(
  query: Query,
  page: Readonly<{ filter: AuditFilter; before: AuditPlace | null; limit: number; reach: Reach }>,
): Promise<readonly (ChainRow & Row)[]> {
  const { filter, before, limit, reach } = page;
  const values: unknown[] = [];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  const conditions: string[] = [];
  if (filter.actor !== undefined) conditions.push(`actor = ${parameter(filter.actor)}`);
  if (filter.kind !== undefined) conditions.push(`kind = ${parameter(filter.kind)}`);
  if (filter.name !== undefined) conditions.push(`name = ${parameter(filter.name)}`);
  if (filter.act !== undefined) conditions.push(`entry::jsonb ->> 'act' = ${parameter(filter.act)}`);
  // `at` is text in one form (toISOString), which sorts as time does.
  if (filter.since !== undefined) conditions.push(`at >= ${parameter(new Date(filter.since).toISOString())}`);
  if (filter.until !== undefined) conditions.push(`at < ${parameter(new Date(filter.until).toISOString())}`);
  if (before !== null) {
    const [at, chain, sequence] = before;
    conditions.push(
      `(at, chain, sequence) < (${parameter(at)}, ${parameter(chain)}::smallint, ${parameter(sequence)}::bigint)`,
    );
  }
  const columns = { business: "business", environment: "environment", dcnGroup: "dcn_group" };
  const scope = scopeCondition(reach, columns, values.length + 1);
  values.push(...scope.values);
  return await query<ChainRow & Row>(
    `SELECT chain, sequence, encode(hash, 'hex') AS hash, entry FROM audit_entries
     WHERE ${[...conditions, scope.text].join(" AND ")}
     ORDER BY at DESC, chain DESC, sequence DESC LIMIT ${parameter(limit)}`,
    values,
  );
}

/** The last row of every chain. */
export async function readHeads(query: Query): Promise<readonly ChainHead[]> {
  return await query<ChainHead & Row>(
    `SELECT DISTINCT ON (chain) chain, sequence, encode(hash, 'hex') AS hash FROM generate_series(0, 63) AS c
     CROSS JOIN LATERAL (SELECT chain, sequence, hash FROM audit_entries WHERE chain = c ORDER BY sequence DESC LIMIT 1) AS head
     ORDER BY chain`,
  );
}

/** What verifying found. */
export type AuditVerification = Readonly<{
  entries: number;
  heads: readonly ChainHead[];
  faults: readonly ChainFault[];
  faultsLeftOut: number;
}>;

/** Follows every chain of the database, a batch at a time, and holds it against the checkpoints. */
export async function verifyAudit(
  query: Query,
  checkpoints: readonly ChainHead[],
  signal: AbortSignal,
): Promise<AuditVerification> {
  const rows = await query<{ chain: number }>("SELECT DISTINCT chain FROM audit_entries");
  const chains = new Set([...rows.map(({ chain }) => chain), ...checkpoints.map(({ chain }) => chain)]);
  const heads: ChainHead[] = [];
  const faults: ChainFault[] = [];
  let [entries, faultsLeftOut] = [0, 0];
  const keep = (found: readonly ChainFault[]): void => {
    const room = mostFaults - faults.length;
    faults.push(...found.slice(0, room));
    faultsLeftOut += Math.max(0, found.length - room);
  };
  for (const chain of [...chains].sort((a, b) => a - b)) {
    const verifier = verifyChain(chain, checkpoints);
    let last: ChainRow | undefined;
    for (;;) {
      signal.throwIfAborted();
      const batch = await query<ChainRow & Row>(
        `SELECT chain, sequence, encode(hash, 'hex') AS hash, entry FROM audit_entries
         WHERE chain = $1 AND sequence > $2 ORDER BY sequence LIMIT ${verifyBatch}`,
        [chain, last?.sequence ?? 0],
      );
      for (const row of batch) keep(verifier.next(row));
      entries += batch.length;
      last = batch.at(-1) ?? last;
      if (batch.length < verifyBatch) break;
    }
    keep(verifier.end());
    if (last !== undefined) heads.push({ chain, sequence: last.sequence, hash: last.hash });
  }
  return { entries, heads, faults, faultsLeftOut };
}
