import { recordAudit } from "../audit/record-audit.ts";
import type { Transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import { Failure } from "../http/failure.ts";
import { instanceColumns, instanceOf, scopeOfInstance, type InstanceRecord } from "../instance/instance-record.ts";
import { instanceView } from "../instance/instance-view.ts";
import type { Neighbours } from "../instance/neighbours.ts";
import { saveInstance } from "../instance/save-instance.ts";
import { namePlaces, type NamedPlace } from "./name-instances.ts";
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

  const { environment } = request;
  const pattern = (await estate.environment(tx.query, environment))?.instanceNames;
  const { addresses: ledger } = neighbours;
  const names: NamedPlace[] = [];
  for (const [id, indexes] of Map.groupBy(plan.places.keys(), (index) => plan.places[index]?.subsystem ?? "")) {
    const subsystem = await estate.subsystem(tx.query, id);
    if (subsystem === null) throw new Failure("request.impossible", `subsystem ${id} is gone`);
    const own = indexes.flatMap((index) => plan.places[index] ?? []);
    const named = await namePlaces(tx, own, { pattern, environment, subsystem, addresses: ledger });
    for (const [at, index] of indexes.entries()) {
      const name = named[at];
      if (name !== undefined) names[index] = name;
    }
  }
  const groups = new Map<string, string>();
  for (const dcn of new Set(plan.places.map((place) => place.dcn))) {
    groups.set(dcn, (await estate.dcn(tx.query, dcn))?.group ?? "");
  }
  const demands = plan.places.map((place, index) => ({
    instance: names[index]?.name ?? "",
    subsystem: place.subsystem,
    scope: { business: request.business, environment: request.environment, dcnGroup: groups.get(place.dcn) ?? null },
    nics: place.nics.map(({ subnet }, at) => {
      const ip = at === 0 ? (names[index]?.ip ?? null) : null;
      return { nic: nicName(at), subnet, ...(ip === null ? {} : { ip }) };
    }),
  }));
  const reserved = await ledger.reserve(tx, demands);
  const addresses = new Map(reserved.map(({ instance, nic, ip }) => [`${instance}/${nic}`, ip]));
  const nodes = await estate.nodesOf(
    tx.query,
    plan.places.map(({ host }) => host),
  );
  const rows = plan.places.map((place, index) => {
    const named = names[index];
    if (named === undefined) throw new Error("a place without a name");
    const node = nodes.get(place.host);
    if (node === undefined) throw new Failure("request.impossible", `host ${place.host} is gone from the estate`);
    const nics = place.nics.map(({ area, subnet }, at) => {
      const ip = addresses.get(`${named.name}/${nicName(at)}`);
      if (ip === undefined) throw new Error(`no address for ${named.name}/${nicName(at)}`);
      return { nic: nicName(at), area, subnet, ip };
    });
    const { name, number } = named;
    return { ...place, name, number, nics, node, dcn_group: groups.get(place.dcn) ?? "" };
  });
  await insertInstances(tx, request, rows);
  return names.map(({ name }) => name);
}

/** One statement, however many: each is a round trip that others wait for under placement's lock. */
async function insertInstances(tx: Transaction, request: RequestRecord, rows: readonly object[]): Promise<void> {
  const inserted = await tx.query(
    `INSERT INTO instances (name, number, subsystem, business, dcn, dcn_group, environment, idc, cluster, rack, host, node, pool,
       class, lifetime, borrowed, nics, wish, state, state_reason, request)
     SELECT name, number, subsystem, $2, dcn, dcn_group, $3, idc, cluster, rack, host, node, pool, class, lifetime, borrowed, nics,
       'run', 'delivered', 'delivered; a release brings it to life', $4
     FROM jsonb_to_recordset($1::jsonb) AS p (name text, number int, subsystem text, dcn text, dcn_group text, idc text, cluster text,
       rack text, host text, node text, pool text, class text, lifetime text, borrowed boolean, nics jsonb)
     RETURNING ${instanceColumns}`,
    [JSON.stringify(rows), request.business, request.environment, request.id],
  );
  for (const row of inserted) tell(tx, instanceOf(row));
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
