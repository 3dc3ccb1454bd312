import { ipamOperations, type Address } from "@wcs/api/ipam";
import {
  blockAddress,
  clearCondition,
  importAddress,
  releaseAddress,
  reserveAddress,
  type AddressRecord,
} from "@wcs/core/ipam";
import { nowhere } from "../access/nowhere.ts";
import { requireAccess, type Principal } from "../access/principal.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Transaction } from "../database/transaction.ts";
import { Failure } from "../http/failure.ts";
import { act, answer, type Route } from "../http/route.ts";
import { addressOfText, scopeOfRow, type AddressRow } from "./address-row.ts";
import { addressView } from "./address-view.ts";
import {
  changeAddresses,
  databaseNowMs,
  lockAddresses,
  nextGeneration,
  type AddressChange,
} from "./change-addresses.ts";
import { releasePoliciesOf } from "./release-policies.ts";

const [, , assign, release, block, clear, importInUse] = ipamOperations;

type PodlessOwner = Readonly<{ kind: "vm" | "device"; name: string; nic?: string; business?: string }>;

/** What people do to addresses by hand. Each says why, and is in the audit and in the address's history. */
export function ipActRoutes(): readonly Route[] {
  return [
    act(assign, async ({ params, body, principal }, tx) => {
      const generation = await nextGeneration(tx);
      const changed = await changeOne(tx, { ip: params.ip, verb: "assign", principal }, (record) => ({
        transition: reserveAddress(record, { owner: ownerOf(body), generation }),
        owner: belongsTo(body),
      }));
      return answer(200, changed, changed.version);
    }),
    act(release, async ({ params, body, principal }, tx) => {
      const nowMs = await databaseNowMs(tx.query);
      const policyOf = await policiesAt(tx, params.ip);
      const changed = await changeOne(tx, { ip: params.ip, verb: "release", principal }, (record, row) => {
        const { coolDownMs } = policyOf(row.subsystem);
        const { expectedGeneration } = body;
        return { transition: releaseAddress(record, { expectedGeneration, nowMs, coolDownMs }) };
      });
      return answer(200, changed, changed.version);
    }),
    act(block, async ({ params, principal }, tx) => {
      const changed = await changeOne(tx, { ip: params.ip, verb: "block", principal }, (record) => ({
        transition: blockAddress(record),
        note: tx.context.reason,
      }));
      return answer(200, changed, changed.version);
    }),
    act(clear, async ({ params, principal }, tx) => {
      const changed = await changeOne(tx, { ip: params.ip, verb: "block", principal }, (record) => ({
        transition: clearCondition(record),
      }));
      return answer(200, changed, changed.version);
    }),
    act(importInUse, async ({ body, principal }, tx) => {
      requireReason(tx);
      requireAccess(principal, { verb: "assign", resource: "ips", name: "", scope: nowhere });
      const imported = await importAll(tx, body.addresses);
      return answer(200, { imported });
    }),
  ];
}

async function changeOne(
  tx: Transaction,
  target: Readonly<{ ip: string; verb: string; principal: Principal }>,
  decide: (record: AddressRecord, row: AddressRow) => AddressChange,
): Promise<Address> {
  const { ip, verb, principal } = target;
  requireReason(tx);
  const locked = await lockAddresses(tx.query, "ip = $1::inet", [ip]);
  const [before] = locked;
  if (before === undefined) {
    requireAccess(principal, { verb: "get", resource: "ips", name: ip, scope: nowhere });
    throw new Failure("resource.not-found", `ips/${ip} is in no fixed range of the ledger; see \`wcs get subnets\``);
  }
  requireAccess(principal, { verb, resource: "ips", name: ip, scope: scopeOfRow(before) });
  const { rows, refusals } = await changeAddresses(tx, locked, decide);
  if (refusals[0] !== undefined) {
    const { code, detail } = refusals[0].refusal;
    throw new Failure("ipam.refused", detail, { errors: [{ kind: "IP", name: ip, code, message: detail }] });
  }
  const [after = before] = rows;
  const scope = scopeOfRow(after.owner === null ? before : after);
  recordAudit(tx, {
    resource: { kind: "IP", name: ip },
    scope,
    before: addressView(before),
    after: addressView(after),
    outcome: "done",
  });
  return addressView(after);
}

async function importAll(
  tx: Transaction,
  wanted: readonly Readonly<{ ip: string; owner: PodlessOwner }>[],
): Promise<number> {
  const byIp = new Map(wanted.map((each) => [each.ip, each.owner]));
  await tx.query(
    `INSERT INTO ipam_addresses (ip, subnet, in_fixed_range, act, actor)
     SELECT o.ip, s.name, false, $2, $3 FROM unnest($1::inet[]) AS o (ip) JOIN ipam_subnets s ON s.network >> o.ip
     ON CONFLICT (ip) DO NOTHING`,
    [[...byIp.keys()], tx.context.act, tx.context.actor.name],
  );
  const locked = await lockAddresses(tx.query, "ip = ANY($1::inet[])", [[...byIp.keys()]]);
  const generation = await nextGeneration(tx);
  const { rows, refusals } = await changeAddresses(tx, locked, (record, row) => {
    const owner = byIp.get(row.ip);
    if (owner === undefined) throw new Error("the row was found by its address");
    return { transition: importAddress(record, { owner: ownerOf(owner), generation }), owner: belongsTo(owner) };
  });
  const known = new Set(locked.map(({ ip }) => ip));
  const problems = [
    ...[...byIp.keys()]
      .filter((ip) => !known.has(ip))
      .map((ip) => ({ ip, code: "unknown-address", detail: `${ip} is in no subnet` })),
    ...refusals.map(({ ip, refusal }) => ({ ip, code: refusal.code, detail: refusal.detail })),
    ...twice(wanted.map(({ ip }) => ip)).map((ip) => ({ ip, code: "twice", detail: `${ip} is listed twice` })),
  ].toSorted((a, b) => addressOfText(a.ip) - addressOfText(b.ip));
  if (problems.length > 0) {
    const errors = problems.map(({ ip, code, detail }) => ({
      pointer: `/addresses/${wanted.findIndex((each) => each.ip === ip)}`,
      kind: "IP",
      name: ip,
      code,
      message: detail,
    }));
    throw new Failure("ipam.refused", `${problems.length} of ${wanted.length} addresses can't be entered; none was`, {
      errors,
    });
  }
  for (const row of rows) {
    const resource = { kind: "IP", name: row.ip };
    recordAudit(tx, { resource, scope: scopeOfRow(row), before: null, after: addressView(row), outcome: "done" });
  }
  return rows.length;
}

function ownerOf({ kind, name, nic = "net0" }: PodlessOwner) {
  return { kind, name, nic };
}

function belongsTo({ business }: PodlessOwner) {
  return { subsystem: null, scope: { ...nowhere, business: business ?? null } };
}

async function policiesAt(tx: Transaction, ip: string) {
  const rows = await tx.query<AddressRow>("SELECT subsystem FROM ipam_addresses WHERE ip = $1::inet", [ip]);
  return releasePoliciesOf(
    tx.query,
    rows.map(({ subsystem }) => subsystem),
  );
}

function requireReason({ context }: Transaction): void {
  if (context.reason !== null && context.reason.trim() !== "") return;
  throw new Failure("act.reason-required", "say why: it goes into the address's history and the audit");
}

function twice(list: readonly string[]): readonly string[] {
  return [...new Set(list.filter((item, index) => list.indexOf(item) !== index))];
}
