import type { AddressRecord, Refusal, Transition } from "@wcs/core/ipam";
import type { Scope } from "@wcs/core/access-rights";
import type { Query } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import { columnsOfRecord, recordOfRow, scopeOfRow, type AddressRow } from "./address-row.ts";
import { addressView } from "./address-view.ts";

/** What becomes of one address. `owner` says what a new owner belongs to; `note` why its condition is what it is. */
export type AddressChange = Readonly<{
  transition: Transition;
  owner?: Readonly<{ subsystem: string | null; scope: Scope }>;
  note?: string | null;
}>;

/** `rows` as they are now, changed or not, without those refused. */
export type AddressChanges = Readonly<{
  rows: readonly AddressRow[];
  refusals: readonly Readonly<{ ip: string; refusal: Refusal }>[];
}>;

/** Locks rows in the order of their addresses, which every caller shares, so that two never wait for each other. */
export async function lockAddresses(
  query: Query,
  where: string,
  values: readonly unknown[],
): Promise<readonly AddressRow[]> {
  return query<AddressRow>(`SELECT * FROM ipam_addresses WHERE ${where} ORDER BY ip FOR UPDATE`, values);
}

/** The database's clock, in milliseconds: the only one that the ledger goes by. */
export async function databaseNowMs(query: Query): Promise<number> {
  const [row] = await query<{ now: Date }>("SELECT clock_timestamp() AS now");
  if (row === undefined) throw new Error("SELECT returned no row");
  return row.now.getTime();
}

/** Puts locked rows through core's rules and writes what changed, with its history and events, in one statement. */
export async function changeAddresses(
  tx: Transaction,
  locked: readonly AddressRow[],
  decide: (record: AddressRecord, row: AddressRow) => AddressChange,
): Promise<AddressChanges> {
  const refusals: { ip: string; refusal: Refusal }[] = [];
  const unchanged: AddressRow[] = [];
  const changed: object[] = [];
  for (const row of locked) {
    const before = recordOfRow(row);
    const { transition, owner, note } = decide(before, row);
    if (!transition.ok) {
      refusals.push({ ip: row.ip, refusal: transition.refusal });
      continue;
    }
    const after = transition.record;
    if (after === before) {
      unchanged.push(row);
      continue;
    }
    const belongs = after.owner === null ? null : (owner ?? { subsystem: row.subsystem, scope: scopeOfRow(row) });
    changed.push({
      ip: row.ip,
      ...columnsOfRecord(after),
      condition_note: after.condition === "usable" ? null : (note ?? row.condition_note),
      subsystem: belongs?.subsystem ?? null,
      business: belongs?.scope.business ?? null,
      environment: belongs?.scope.environment ?? null,
      dcn_group: belongs?.scope.dcnGroup ?? null,
    });
  }
  const rows = changed.length === 0 ? [] : await tx.query<AddressRow>(updateText, [JSON.stringify(changed), ...by(tx)]);
  recordAddressEvents(tx, rows);
  return { rows: [...unchanged, ...rows], refusals };
}

const columns = `state, condition, condition_note, owner_kind, owner, nic, subsystem, business, environment, dcn_group, generation,
  pod_uid, container_id, host, pods, retired, release_at, free_at, freed_at`;
const updateText = `UPDATE ipam_addresses a SET (${columns}, act, actor, reason, ticket, request_id) =
    (${columns.replaceAll(/(\w+)/g, "c.$1")}, $2, $3, $4, $5, $6)
  FROM jsonb_to_recordset($1::jsonb) AS c (ip inet, state text, condition text, condition_note text, owner_kind text, owner text,
    nic text, subsystem text, business text, environment text, dcn_group text, generation bigint, pod_uid text, container_id text,
    host text, pods text[], retired boolean, release_at timestamptz, free_at timestamptz, freed_at timestamptz)
  WHERE a.ip = c.ip RETURNING a.*`;

/** Who makes the change and why: the values of `act, actor, reason, ticket, request_id`. */
export function by({ context }: Transaction): readonly (string | null)[] {
  return [context.act, context.actor.name, context.reason, context.ticket, context.requestId];
}

/** Tells those who watch. */
export function recordAddressEvents(tx: Transaction, rows: readonly AddressRow[]): void {
  for (const row of rows) {
    recordEvent(tx, {
      change: row.version === 1 ? "created" : "updated",
      kind: "IP",
      name: row.ip,
      version: row.version,
      scope: scopeOfRow(row),
      record: addressView(row),
    });
  }
}

/** The next number of the ledger's count of givings. Taken after the rows are locked, so that it grows on each address. */
export async function nextGeneration(tx: Transaction): Promise<number> {
  const [row] = await tx.query<{ generation: number }>("SELECT nextval('ipam_generations') AS generation");
  if (row === undefined) throw new Error("nextval returned no row");
  return row.generation;
}
