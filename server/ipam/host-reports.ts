import { bindAddress, markConflict, unbindAddress, type HostAddress, type HostReport } from "@wcs/core/ipam";
import { formatIpv4Address } from "@wcs/core/ipv4";
import { nowhere } from "../access/nowhere.ts";
import type { Query, Row } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import { addressOfText } from "./address-row.ts";
import { changeAddresses, lockAddresses } from "./change-addresses.ts";
import { settleReturningBlocks, wantsOtherBlocks } from "./dynamic-blocks.ts";

/** In the watch log: a host's dynamic blocks are to be looked at. */
export const blocksKind = "DynamicBlocks";

/** An address that the host has and may not have: its agent takes the pod off the network. */
export type ReportRefusal = Readonly<{ ip: string; podUid: string; code: string; detail: string }>;

/** `accepted` false: a later report of the host has been here before; `sequence` is the latest's. */
export type ReportAnswer = Readonly<{ accepted: boolean; sequence: number; refusals: readonly ReportRefusal[] }>;

/**
 * Takes over what a host has: its addresses are bound, those it had and has no more are held, and those that somebody else answers for are
 * marked. Reports of a host come in order, so that an address missing from one is gone from the host. The answer names what it may not
 * have: pods of an old generation, and addresses that are another's.
 */
export async function takeReport(tx: Transaction, report: HostReport): Promise<ReportAnswer> {
  const { host, sequence } = report;
  const [kept] = await tx.query(
    `INSERT INTO ipam_host_reports (host, sequence, report) VALUES ($1, $2, $3)
     ON CONFLICT (host) DO UPDATE SET sequence = $2, report = $3, at = now() WHERE ipam_host_reports.sequence < $2 RETURNING host`,
    [host, sequence, JSON.stringify(report)],
  );
  if (kept === undefined) {
    const [latest] = await tx.query<Row & Readonly<{ sequence: number }>>(
      "SELECT sequence FROM ipam_host_reports WHERE host = $1",
      [host],
    );
    return { accepted: false, sequence: latest?.sequence ?? sequence, refusals: [] };
  }

  const entries = new Map(report.addresses.map((entry) => [entry.address, entry]));
  const conflicts = new Map(report.conflicts.map(({ address, mac }) => [address, mac]));
  const ips = [...new Set([...entries.keys(), ...conflicts.keys()])].map(formatIpv4Address);
  const locked = await lockAddresses(tx.query, "ip = ANY($1::inet[]) OR host = $2", [ips, host]);
  const { refusals } = await changeAddresses(tx, locked, (record, row) => {
    const entry = entries.get(record.address);
    if (entry !== undefined && entry.instance !== null) {
      return { transition: bindAddress(record, claimOf(entry, host)) };
    }
    const { binding } = record;
    if (binding?.host === host) return { transition: unbindAddress(record, binding) };
    const mac = conflicts.get(record.address);
    if (mac === undefined) return { transition: { ok: true, record } };
    return { transition: markConflict(record), note: `${mac} answered for ${row.ip}, host ${host} saw` };
  });
  // An address that is bound or let go above may be in conflict as well.
  const others = locked.filter(({ ip, condition }) => condition === "usable" && conflicts.has(addressOfText(ip)));
  const again = await lockAddresses(tx.query, "ip = ANY($1::inet[])", [others.map(({ ip }) => ip)]);
  await changeAddresses(tx, again, (record, row) => ({
    transition: markConflict(record),
    note: `${conflicts.get(record.address)} answered for ${row.ip}, host ${host} saw`,
  }));
  await settleReturningBlocks(tx, report);
  if (await wantsOtherBlocks(tx.query, report)) {
    const record = { host, sequence };
    recordEvent(tx, { change: "updated", kind: blocksKind, name: host, version: sequence, scope: nowhere, record });
  }

  const known = new Set(locked.map(({ ip }) => ip));
  const unknown = report.addresses.filter(
    ({ address, instance }) => instance !== null && !known.has(formatIpv4Address(address)),
  );
  return {
    accepted: true,
    sequence,
    refusals: [
      ...refusals.map(({ ip, refusal }) => {
        const podUid = entries.get(addressOfText(ip))?.podUid ?? "";
        return { ip, podUid, code: refusal.code, detail: refusal.detail };
      }),
      ...unknown.map(({ address, podUid }) => {
        const ip = formatIpv4Address(address);
        return { ip, podUid, code: "unknown-address", detail: `${ip} is in no subnet of the ledger` };
      }),
    ],
  };
}

function claimOf(entry: HostAddress, host: string) {
  const { instance, nic, generation, podUid, containerId } = entry;
  return { instance: instance ?? "", nic, generation: generation ?? 0, binding: { podUid, containerId, host } };
}

/** Reports not older than this speak for their hosts. */
export const freshReportMs = 180_000;

/** So many are parsed in a few milliseconds; other requests come between. */
const reportsAtOnce = 500;

/** The fresh reports, and every host that has reported at all. */
export async function hostReportsOf(
  query: Query,
): Promise<Readonly<{ fresh: readonly HostReport[]; silent: ReadonlySet<string> }>> {
  const fresh: HostReport[] = [];
  const silent = new Set<string>();
  for (let last: string | undefined = ""; last !== undefined;) {
    const rows: readonly (Row & Readonly<{ host: string; report: HostReport; fresh: boolean }>)[] = await query(
      `SELECT host, report, at > now() - $1 * interval '1 ms' AS fresh FROM ipam_host_reports
       WHERE host > $2 ORDER BY host LIMIT ${reportsAtOnce}`,
      [freshReportMs, last],
    );
    for (const row of rows) {
      if (row.fresh) fresh.push(row.report);
      else silent.add(row.host);
    }
    last = rows.length < reportsAtOnce ? undefined : rows.at(-1)?.host;
  }
  return { fresh, silent };
}
