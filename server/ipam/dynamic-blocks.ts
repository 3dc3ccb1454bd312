import { blockSizes, chooseBlock, type DynamicBlockGrant, type HostReport } from "@wcs/core/ipam";
import { formatIpv4Address, formatIpv4Range, type Ipv4Range } from "@wcs/core/ipv4";
import { Failure } from "../http/failure.ts";
import type { Query, Row } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";
import { addressOfText } from "./address-row.ts";
import { nextGeneration } from "./change-addresses.ts";

type SubnetRow = Row &
  Readonly<{
    name: string;
    area: string;
    network: string;
    gateway: string;
    dynamic_first: string | null;
    dynamic_last: string | null;
    conflict_probe: boolean;
  }>;
type BlockRow = Row &
  Readonly<{
    id: number;
    subnet: string;
    host: string;
    first_ip: string;
    last_ip: string;
    state: string;
    generation: number;
  }>;

/** Addresses of one block: what a host gives its system pods and tools without asking. */
export const blockSize = 16;
/** When a host has fewer left, it gets another block. */
const fewLeft = 4;

/**
 * Sees that the host has enough dynamic addresses: a first block, another when its last report says that few are left, and one block back when it
 * has two that it does not use. Throws `ipam.exhausted` when the rack's dynamic ranges of the area have no run of `blockSizes.least`.
 */
export async function sizeHostBlocks(
  tx: Transaction,
  place: Readonly<{ host: string; rack: string; area: string }>,
): Promise<void> {
  const { host, rack, area } = place;
  // Locks the rack's subnets of the area, so that one act at a time changes their blocks.
  const subnets = await tx.query<SubnetRow>(
    `SELECT name, area, network, gateway, dynamic_first, dynamic_last, conflict_probe FROM ipam_subnets
     WHERE rack = $1 AND area = $2 AND dynamic_first IS NOT NULL ORDER BY name FOR NO KEY UPDATE`,
    [rack, area],
  );
  const blocks = await tx.query<BlockRow>(
    "SELECT * FROM ipam_blocks WHERE host = $1 AND state = 'granted' ORDER BY id",
    [host],
  );
  const [row] = await tx.query<Row & Readonly<{ report: HostReport }>>(
    "SELECT report FROM ipam_host_reports WHERE host = $1",
    [host],
  );
  const used = new Set(
    (row?.report.addresses ?? []).filter(({ instance }) => instance === null).map(({ address }) => address),
  );
  const left = blocks.reduce((sum, block) => sum + sizeOf(block) - usedIn(block, used), 0);
  if (left < fewLeft) {
    await grant(tx, { host, rack, area, subnets, own: blocks[0]?.subnet });
    return;
  }
  const idle = blockToReturn(blocks, used);
  if (idle === undefined) return;
  const generation = await nextGeneration(tx);
  await tx.query("UPDATE ipam_blocks SET state = 'returning', generation = $2 WHERE id = $1", [idle.id, generation]);
}

async function grant(
  tx: Transaction,
  wish: Readonly<{ host: string; rack: string; area: string; subnets: readonly SubnetRow[]; own: string | undefined }>,
): Promise<void> {
  const { host, rack, area, subnets, own } = wish;
  // One grant names one subnet (the annotation's form), so more blocks come from the same.
  const candidates = own === undefined ? subnets : subnets.filter(({ name }) => name === own);
  for (const subnet of candidates) {
    const { dynamic_first: first, dynamic_last: last } = subnet;
    if (first === null || last === null) continue;
    const range = { first: addressOfText(first), last: addressOfText(last) };
    const taken = await tx.query<BlockRow>("SELECT * FROM ipam_blocks WHERE subnet = $1 AND state <> 'returned'", [
      subnet.name,
    ]);
    const avoid = await tx.query<Row & Readonly<{ ip: string }>>(
      `SELECT ip FROM ipam_addresses WHERE subnet = $1 AND ip BETWEEN $2::inet AND $3::inet
       AND (state <> 'free' OR condition <> 'usable')`,
      [subnet.name, first, last],
    );
    // What other hosts say they have, whoever granted it: an address is never given to a second one.
    const reported = await tx.query<Row & Readonly<{ address: number }>>(
      `SELECT (a->>'address')::bigint AS address FROM ipam_host_reports r, jsonb_array_elements(r.report->'addresses') a
       WHERE r.host <> $1 AND (a->>'address')::bigint BETWEEN $2 AND $3`,
      [host, range.first, range.last],
    );
    const occupied = [
      ...[subnet.gateway, ...avoid.map(({ ip }) => ip)].map(addressOfText),
      ...reported.map(({ address }) => address),
    ];
    const block = chooseBlock({ range, taken: taken.map(rangeOf), avoid: occupied }, blockSize);
    if (block === null) continue;
    await tx.query(
      `INSERT INTO ipam_blocks (subnet, host, first_ip, last_ip, generation) VALUES ($1, $2, $3, $4, nextval('ipam_generations'))`,
      [subnet.name, host, formatIpv4Address(block.first), formatIpv4Address(block.last)],
    );
    return;
  }
  const where =
    candidates.length === 0 ? "there is no dynamic range" : `no ${blockSizes.least} addresses in a row are free`;
  throw new Failure(
    "ipam.exhausted",
    `rack ${rack}, area ${area}: ${where} for host ${host}; widen the subnet's dynamic range`,
  );
}

/** Blocks of subnets that the host no longer stands in, or of all when `area` is null, are given out from no more. */
export async function leaveBlocksElsewhere(
  tx: Transaction,
  place: Readonly<{ host: string; rack: string; area: string | null }>,
): Promise<void> {
  const elsewhere = await tx.query<BlockRow>(
    `SELECT b.* FROM ipam_blocks b JOIN ipam_subnets s ON s.name = b.subnet
     WHERE b.host = $1 AND b.state = 'granted' AND (s.rack, s.area) IS DISTINCT FROM ($2, $3) FOR UPDATE OF b`,
    [place.host, place.rack, place.area],
  );
  if (elsewhere.length === 0) return;
  await tx.query("UPDATE ipam_blocks SET state = 'returning', generation = $2 WHERE id = ANY($1)", [
    elsewhere.map(({ id }) => id),
    await nextGeneration(tx),
  ]);
}

/** What the Node's `wcs.io/dynamic-block` annotation has to say; null when the host has no block. */
export async function dynamicBlockGrantOf(query: Query, host: string): Promise<DynamicBlockGrant | null> {
  const rows = await query<SubnetRow & BlockRow & Readonly<{ latest: number }>>(
    `SELECT b.*, s.name, s.area, s.network, s.gateway, s.conflict_probe,
       (SELECT max(generation) FROM ipam_blocks WHERE host = $1) AS latest
     FROM ipam_blocks b JOIN ipam_subnets s ON s.name = b.subnet WHERE b.host = $1 AND b.state = 'granted' ORDER BY b.first_ip`,
    [host],
  );
  const [first] = rows;
  if (first === undefined) return null;
  const { name: subnet, area, network: cidr, gateway, conflict_probe: conflictProbe, latest: generation } = first;
  const blocks = rows.map((row) => formatIpv4Range(rangeOf(row)));
  return { host, generation, subnet, area, cidr, gateway, conflictProbe, blocks };
}

/** Whether `sizeHostBlocks` would do something about what a host reports. */
export async function wantsOtherBlocks(query: Query, report: HostReport): Promise<boolean> {
  const blocks = await query<BlockRow>("SELECT * FROM ipam_blocks WHERE host = $1 AND state = 'granted'", [
    report.host,
  ]);
  if (blocks.length === 0) return false;
  const used = new Set(report.addresses.map(({ address }) => address));
  const left = blocks.reduce((sum, block) => sum + sizeOf(block) - usedIn(block, used), 0);
  return left < fewLeft || blockToReturn(blocks, used) !== undefined;
}

/** A block of several that is not used, and that would not be missed. */
function blockToReturn(blocks: readonly BlockRow[], used: ReadonlySet<number>): BlockRow | undefined {
  const left = blocks.reduce((sum, block) => sum + sizeOf(block) - usedIn(block, used), 0);
  const idle = blocks.findLast((block) => usedIn(block, used) === 0);
  return blocks.length < 2 || idle === undefined || left - sizeOf(idle) < 2 * fewLeft ? undefined : idle;
}

/** Blocks that a host has stopped giving out from, and has nothing of any more, go back. */
export async function settleReturningBlocks(tx: Transaction, report: HostReport): Promise<void> {
  const returning = await tx.query<BlockRow>(
    "SELECT * FROM ipam_blocks WHERE host = $1 AND state = 'returning' FOR UPDATE",
    [report.host],
  );
  const used = new Set(report.addresses.map(({ address }) => address));
  const done = returning.filter(
    (block) =>
      report.grantGeneration !== null && report.grantGeneration >= block.generation && usedIn(block, used) === 0,
  );
  if (done.length === 0) return;
  await tx.query("UPDATE ipam_blocks SET state = 'returned', returned_at = now() WHERE id = ANY($1)", [
    done.map(({ id }) => id),
  ]);
}

/** A host is gone for good: its blocks go back at once. The caller has made sure that nothing runs there. */
export async function returnBlocksOf(tx: Transaction, host: string): Promise<void> {
  await tx.query(
    "UPDATE ipam_blocks SET state = 'returned', returned_at = now() WHERE host = $1 AND state <> 'returned'",
    [host],
  );
  await tx.query("DELETE FROM ipam_host_reports WHERE host = $1", [host]);
}

/** All blocks that hosts may have addresses of. */
export async function blocksByHost(query: Query): Promise<ReadonlyMap<string, readonly Ipv4Range[]>> {
  const rows = await query<BlockRow>("SELECT * FROM ipam_blocks WHERE state <> 'returned'");
  const groups = Map.groupBy(rows, ({ host }) => host);
  return new Map([...groups].map(([host, blocks]) => [host, blocks.map(rangeOf)]));
}

function rangeOf(block: BlockRow): Ipv4Range {
  return { first: addressOfText(block.first_ip), last: addressOfText(block.last_ip) };
}

function sizeOf(block: BlockRow): number {
  const { first, last } = rangeOf(block);
  return last - first + 1;
}

function usedIn(block: BlockRow, used: ReadonlySet<number>): number {
  const { first, last } = rangeOf(block);
  return [...used].filter((address) => first <= address && address <= last).length;
}
