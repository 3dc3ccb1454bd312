import type { RequestPlan } from "@wcs/api/request";
import { recordAudit } from "../audit/record-audit.ts";
import type { Transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import { Failure } from "../http/failure.ts";
import { instanceColumns, instanceOf, scopeOfInstance, type InstanceRecord } from "../instance/instance-record.ts";
import { instanceView } from "../instance/instance-view.ts";
import type { Neighbours } from "../instance/neighbours.ts";
import { saveInstance } from "../instance/save-instance.ts";
import { namePlaces } from "./name-instances.ts";
import type { RequestRecord } from "./request-record.ts";
import { lockFree, resizeInstance } from "./resize-instances.ts";

/** The names of NICs on an instance, in the order of its areas. */
const nicName = (index: number) => `eth${index}`;

/**
 * Makes a promised plan so: addresses reserved, instances written down as delivered, those that go told to retire. All in the caller's
 * transaction, which holds the lock of placement. Returns the names of the new instances.
 */
export async function deliverInstances(
  tx: Transaction,
  request: RequestRecord,
  neighbours: Neighbours,
): Promise<readonly string[]> {
  const { plan } = request;
  const { estate } = neighbours;
  for (const name of plan.removals) await retire(tx, name, request.id);
  for (const resize of plan.resizes) await resizeInstance(tx, resize, { request: request.id, estate });
  if (plan.places.length === 0) return [];

  const subsystem = await estate.subsystem(tx.query, request.subsystem);
  if (subsystem === null) throw new Failure("request.impossible", `subsystem ${request.subsystem} is gone`);
  const { environment } = request;
  const pattern = (await estate.environment(tx.query, environment))?.instanceNames;
  const { addresses: ledger } = neighbours;
  const names = await namePlaces(tx, plan.places, { pattern, environment, subsystem, addresses: ledger });
  const groups = new Map<string, string>();
  for (const dcn of new Set(plan.places.map((place) => place.dcn))) {
    groups.set(dcn, (await estate.dcn(tx.query, dcn))?.group ?? "");
  }
  const demands = plan.places.map((place, index) => ({
    instance: names[index]?.name ?? "",
    subsystem: request.subsystem,
    scope: { business: request.business, environment: request.environment, dcnGroup: groups.get(place.dcn) ?? null },
    nics: place.nics.map(({ subnet }, at) => {
      const ip = at === 0 ? (names[index]?.ip ?? null) : null;
      return { nic: nicName(at), subnet, ...(ip === null ? {} : { ip }) };
    }),
  }));
  const reserved = await ledger.reserve(tx, demands);
  const addresses = new Map(reserved.map(({ instance, nic, ip }) => [`${instance}/${nic}`, ip]));
  const nodes = new Map<string, string | null>();
  for (const { host } of plan.places) {
    if (!nodes.has(host)) nodes.set(host, await estate.nodeOf(tx.query, host));
  }
  for (const [index, place] of plan.places.entries()) {
    const named = names[index];
    if (named === undefined) throw new Error("a place without a name");
    const node = nodes.get(place.host) ?? null;
    await insert(tx, { request, place, named, addresses, group: groups.get(place.dcn) ?? "", node });
  }
  return names.map(({ name }) => name);
}

async function insert(
  tx: Transaction,
  given: Readonly<{
    request: RequestRecord;
    place: RequestPlan["places"][number];
    named: Readonly<{ name: string; number: number }>;
    addresses: ReadonlyMap<string, string>;
    group: string;
    node: string | null;
  }>,
): Promise<void> {
  const { request, place, named, addresses, node } = given;
  const nics = place.nics.map(({ area, subnet }, at) => {
    const ip = addresses.get(`${named.name}/${nicName(at)}`);
    if (ip === undefined) throw new Error(`no address for ${named.name}/${nicName(at)}`);
    return { nic: nicName(at), area, subnet, ip };
  });
  if (node === null) throw new Failure("request.impossible", `host ${place.host} is gone from the estate`);
  const [row] = await tx.query(
    `INSERT INTO instances (name, number, subsystem, business, dcn, dcn_group, environment, idc, cluster, rack, host, node, pool,
       class, lifetime, borrowed, nics, wish, state, state_reason, request)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 'run', 'delivered',
       'delivered; a release brings it to life', $18)
     RETURNING ${instanceColumns}`,
    [
      named.name,
      named.number,
      request.subsystem,
      request.business,
      place.dcn,
      given.group,
      request.environment,
      place.idc,
      place.cluster,
      place.rack,
      place.host,
      node,
      place.pool,
      place.class,
      request.body.lifetime ?? "long-term",
      place.borrowed,
      JSON.stringify(nics),
      request.id,
    ],
  );
  if (row === undefined) throw new Error("INSERT returned no row");
  tell(tx, instanceOf(row));
}

function tell(tx: Transaction, instance: InstanceRecord): void {
  const record = instanceView(instance);
  const scope = scopeOfInstance(instance);
  const { name, version } = instance;
  recordEvent(tx, { change: "created", kind: "Instance", name, version, scope, record });
  recordAudit(tx, { resource: { kind: "Instance", name }, scope, before: null, after: record, outcome: "done" });
}

async function retire(tx: Transaction, name: string, request: string): Promise<void> {
  const instance = await lockFree(tx, name);
  const stateReason = `retired by request ${request}`;
  const state = instance.retiredAt === null ? "retiring" : instance.state;
  const after = await saveInstance(tx, instance, { wish: "retire", state, stateReason });
  recordAudit(tx, {
    resource: { kind: "Instance", name },
    scope: scopeOfInstance(after),
    before: { wish: instance.wish, state: instance.state },
    after: { wish: "retire", state },
    outcome: "done",
  });
}
