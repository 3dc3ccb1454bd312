import type { RequestPlan } from "@wcs/api/request";
import {
  defaultNamePattern,
  nameInstances,
  parseNamePattern,
  type NameParts,
  type NamePattern,
} from "@wcs/core/instance";
import { recordAudit } from "../audit/record-audit.ts";
import type { Transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import { Failure } from "../http/failure.ts";
import { instanceColumns, instanceOf, scopeOfInstance, type InstanceRecord } from "../instance/instance-record.ts";
import { instanceView } from "../instance/instance-view.ts";
import type { Neighbours } from "../instance/neighbours.ts";
import { lockInstance, saveInstance } from "../instance/save-instance.ts";
import type { RequestRecord } from "./request-record.ts";

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
  for (const name of plan.removals) await retire(tx, name, request.id);
  if (plan.places.length === 0) return [];

  const names = await namesFor(tx, request, neighbours);
  const groups = new Map<string, string>();
  for (const dcn of new Set(plan.places.map((place) => place.dcn))) {
    groups.set(dcn, (await neighbours.estate.dcn(tx.query, dcn))?.group ?? "");
  }
  const demands = plan.places.map((place, index) => ({
    instance: names[index]?.name ?? "",
    subsystem: request.subsystem,
    scope: { business: request.business, environment: request.environment, dcnGroup: groups.get(place.dcn) ?? null },
    nics: place.nics.map(({ subnet }, at) => ({ nic: nicName(at), subnet })),
  }));
  const reserved = await neighbours.addresses.reserve(tx, demands);
  const addresses = new Map(reserved.map(({ instance, nic, ip }) => [`${instance}/${nic}`, ip]));
  const nodes = new Map<string, string | null>();
  for (const { host } of plan.places) {
    if (!nodes.has(host)) nodes.set(host, await neighbours.estate.nodeOf(tx.query, host));
  }
  for (const [index, place] of plan.places.entries()) {
    const named = names[index];
    if (named === undefined) throw new Error("a place without a name");
    const node = nodes.get(place.host) ?? null;
    await insert(tx, { request, place, named, addresses, group: groups.get(place.dcn) ?? "", node });
  }
  return names.map(({ name }) => name);
}

async function namesFor(
  tx: Transaction,
  request: RequestRecord,
  { estate }: Neighbours,
): Promise<readonly { name: string; number: number }[]> {
  const pattern = usualPattern();
  const subsystem = await estate.subsystem(tx.query, request.subsystem);
  const named: { name: string; number: number }[] = [];
  const perDcn = Map.groupBy(request.plan.places.keys(), (index) => request.plan.places[index]?.dcn ?? "");
  for (const [dcn, indexes] of perDcn) {
    const rows = await tx.query<{ name: string; number: number }>(
      "SELECT name, number FROM instances WHERE subsystem = $1 AND dcn = $2",
      [request.subsystem, dcn],
    );
    const parts: NameParts = {
      subsystem: request.subsystem,
      name: subsystem?.system ?? "",
      dcn,
      environment: request.environment,
      ip: null,
    };
    const result = nameInstances({
      pattern,
      parts: [...indexes].map(() => parts),
      taken: new Set(rows.map(({ name }) => name)),
      afterNumber: Math.max(0, ...rows.map(({ number }) => number)),
    });
    if ("problem" in result) throw new Failure("request.impossible", result.problem);
    for (const [at, index] of [...indexes].entries()) {
      const name = result.names[at];
      if (name !== undefined) named[index] = name;
    }
  }
  return named;
}

function usualPattern(): NamePattern {
  const parsed = parseNamePattern(defaultNamePattern);
  if ("problem" in parsed) throw new Error(parsed.problem);
  return parsed.pattern;
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
  const instance = await lockInstance(tx, name);
  if (instance === null) throw new Failure("request.impossible", `${name} is gone already`);
  if (instance.heldBy !== null) {
    throw new Failure("instance.busy", `${name} is worked on by ${instance.heldBy}: wait for its end, or abort it`);
  }
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
