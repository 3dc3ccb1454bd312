import type { RequestBody, RequestPlan } from "@wcs/api/request";
import { classifyChange } from "@wcs/core/instance";
import type { PlacementRefusal, PlannedResize } from "@wcs/core/placement";
import { notFound } from "../access/principal.ts";
import type { Query } from "../database/database.ts";
import { Failure } from "../http/failure.ts";
import { designInstance } from "../instance/design-instance.ts";
import { selectInstances, type InstanceRecord } from "../instance/instance-record.ts";
import type { Neighbours, PlacementDecision } from "../instance/neighbours.ts";
import type { TemplateService } from "../template/template-service.ts";
import { checkNames } from "./name-instances.ts";

export type RequestEnvironment = Readonly<{ neighbours: Neighbours; templates: TemplateService; timeZone: string }>;

type UnderstoodSubsystem = Readonly<{ id: string; system: string; business: string; areas: readonly string[] }>;

/** What a request asks for, with everything that it names looked up. */
export type UnderstoodRequest = Readonly<{
  subsystem: UnderstoodSubsystem;
  /** Those of `together`, in its order. */
  more: readonly UnderstoodSubsystem[];
  environment: string;
  dcnGroups: readonly string[];
  /** The instances that it names; none when it asks for numbers. */
  instances: readonly InstanceRecord[];
}>;

/** A plan, and what keeps the decision with all that it was made of. */
export type PlannedRequest = Readonly<{ plan: RequestPlan; keep: PlacementDecision["keep"] }>;

type Dcn = Readonly<{ group: string; environment: string }>;

/** Looks up what a request names. Throws a Failure that names the field. */
export async function understandRequest(
  query: Query,
  body: RequestBody,
  { neighbours: { estate } }: RequestEnvironment,
): Promise<UnderstoodRequest> {
  const asked = (["counts", "retire", "resize"] as const).filter((field) => body[field] !== undefined);
  if (asked.length !== 1) {
    const found = asked.length === 0 ? "none of them" : asked.join(" and ");
    throw unfit(asked[1] ?? "counts", `a request has one of counts, retire and resize; this one has ${found}`);
  }
  const subsystem = await estate.subsystem(query, body.subsystem);
  if (subsystem === null) throw notFound("subsystems", body.subsystem);
  if (body.retire === undefined) {
    if (body.class === undefined) throw unfit("class", "class is missing: name the size, such as 2C4G");
    if ((await estate.class(query, body.class)) === null) throw notFound("classes", body.class);
  }
  for (const field of ["class", "areas", "countVms", "lifetime", "pool", "together"] as const) {
    if (body.counts !== undefined || body[field] === undefined) continue;
    if (field === "class" && body.resize !== undefined) continue;
    throw unfit(field, `${field} goes with counts only: leave it out`);
  }
  const more: UnderstoodSubsystem[] = [];
  for (const [at, item] of (body.together ?? []).entries()) {
    const other = await estate.subsystem(query, item.subsystem);
    if (other === null) throw notFound("subsystems", item.subsystem);
    if ((await estate.class(query, item.class)) === null) throw notFound("classes", item.class);
    if (other.business !== subsystem.business) {
      const detail = `${other.id} is of business ${other.business} and ${subsystem.id} of ${subsystem.business}: one request is for one business`;
      throw unfit(`together/${at}/subsystem`, detail);
    }
    more.push(other);
  }
  const instances = await namedInstances(query, body);
  const dcns: Dcn[] = instances.map(({ dcnGroup, environment }) => ({ group: dcnGroup, environment }));
  for (const id of dcnsOf(body)) {
    const dcn = await estate.dcn(query, id);
    if (dcn === null) throw notFound("dcns", id);
    dcns.push(dcn);
  }
  const [environment, ...others] = new Set(dcns.map((dcn) => dcn.environment));
  if (environment === undefined || others.length > 0) {
    const what = body.counts === undefined ? "instances" : "DCNs";
    const detail = `its ${what} are of ${[environment, ...others].join(" and ")}: one request is for one environment`;
    throw unfit(asked[0] ?? "counts", detail);
  }
  return { subsystem, more, environment, dcnGroups: [...new Set(dcns.map(({ group }) => group))], instances };
}

/** Every DCN that a request asks numbers for. */
export function dcnsOf({ counts = {}, together = [] }: RequestBody): readonly string[] {
  return [...new Set([counts, ...together.map((item) => item.counts)].flatMap((each) => Object.keys(each)))];
}

async function namedInstances(query: Query, body: RequestBody): Promise<readonly InstanceRecord[]> {
  const field = body.retire === undefined ? "resize" : "retire";
  const names = body[field] ?? [];
  const found = await selectInstances(query, "name = ANY($1) ORDER BY name", [names]);
  for (const [index, name] of names.entries()) {
    const instance = found.find((each) => each.name === name);
    const at = `${field}/${index}`;
    if (instance === undefined || instance.subsystem !== body.subsystem) {
      throw unfit(at, `subsystem ${body.subsystem} has no instance ${name}: wcs get instances shows them`);
    }
    if (instance.retiredAt !== null || instance.wish === "retire") {
      throw unfit(at, `${name} is ${instance.state} (${instance.stateReason}): leave it out`);
    }
    if (instance.heldBy !== null) {
      const detail = `${name} is worked on by ${instance.heldBy}: wait for its end, or abort it`;
      throw new Failure("instance.busy", detail, { errors: [{ pointer: `/${at}`, message: detail }] });
    }
  }
  return found;
}

/** The plan of a request as it would be done now. Throws a Failure that says what cannot hold together, and what would help. */
export async function planRequest(
  query: Query,
  body: RequestBody,
  environment: RequestEnvironment,
): Promise<PlannedRequest> {
  const understood = await understandRequest(query, body, environment);
  if (body.resize !== undefined) {
    const asked = { ...body, resize: body.resize };
    return { plan: await planResizes(query, asked, understood, environment), keep: async () => undefined };
  }
  return planCounts(query, body, understood, environment);
}

async function planCounts(
  query: Query,
  body: RequestBody,
  { subsystem, more, instances, environment: name }: UnderstoodRequest,
  environment: RequestEnvironment,
): Promise<PlannedRequest> {
  const { placement, estate } = environment.neighbours;
  const { answer: found, keep } = await placement.decide(query, {
    items: [
      {
        subsystem: body.subsystem,
        class: body.class ?? instances[0]?.class ?? "",
        areas: body.areas ?? subsystem.areas,
        counts: body.counts ?? (await countsWithout(query, instances)),
        ...(body.retire === undefined ? {} : { retire: body.retire }),
        ...(body.countVms === undefined ? {} : { countVms: body.countVms }),
        ...(body.lifetime === undefined ? {} : { lifetime: body.lifetime }),
        ...(body.pool === undefined ? {} : { pool: body.pool }),
      },
      ...(body.together ?? []).map((item, at) => ({ ...item, areas: item.areas ?? more[at]?.areas ?? [] })),
    ],
  });
  if (found.outcome === "refusal") throw impossible(found);
  if (found.places.length + found.removals.length === 0) {
    throw new Failure("request.impossible", "every DCN has that many already: there is nothing to do");
  }
  if (found.places.length > 0) {
    const pattern = (await estate.environment(query, name))?.instanceNames;
    for (const [at, own] of [subsystem, ...more].entries()) {
      const counts = at === 0 ? body.counts : body.together?.[at - 1]?.counts;
      checkNames({ pattern, environment: name, subsystem: own, dcns: Object.keys(counts ?? {}) });
    }
  }
  const places = found.places.map((place) => ({
    subsystem: place.subsystem,
    lifetime: place.lifetime,
    dcn: place.dcn,
    class: place.class,
    idc: place.idc,
    cluster: place.cluster,
    rack: place.rack,
    host: place.host,
    pool: place.pool,
    nics: place.nics.map(({ area, subnet }) => ({ area, subnet })),
    borrowed: place.borrowed,
  }));
  const notes = found.notes.map(({ en, zh }) => ({ en, zh }));
  return { plan: { places, removals: [...found.removals], resizes: [], notes }, keep };
}

/** How many instances each DCN has without these. */
async function countsWithout(
  query: Query,
  instances: readonly InstanceRecord[],
): Promise<Readonly<Record<string, number>>> {
  const dcns = [...new Set(instances.map(({ dcn }) => dcn))];
  const rows = await query<{ dcn: string; count: number }>(
    `SELECT dcn, count(*) AS count FROM instances WHERE subsystem = $1 AND dcn = ANY($2) AND retired_at IS NULL AND wish <> 'retire'
     GROUP BY dcn`,
    [instances[0]?.subsystem, dcns],
  );
  return Object.fromEntries(
    rows.map(({ dcn, count }) => [dcn, count - instances.filter((instance) => instance.dcn === dcn).length]),
  );
}

async function planResizes(
  query: Query,
  body: RequestBody & Readonly<{ resize: readonly string[] }>,
  { instances }: UnderstoodRequest,
  environment: RequestEnvironment,
): Promise<RequestPlan> {
  const same = body.resize.findIndex((name) =>
    instances.some((each) => each.name === name && each.class === body.class),
  );
  if (same >= 0) throw unfit(`resize/${same}`, `${body.resize[same]} has class ${body.class} already: leave it out`);
  const { placement } = environment.neighbours;
  const found = await placement.resize(query, { instances: body.resize, class: body.class ?? "" });
  if (found.outcome === "refusal") throw impossible(found);
  const resizes: RequestPlan["resizes"] = [];
  for (const planned of found.resizes) {
    const instance = instances.find(({ name }) => name === planned.instance);
    if (instance === undefined) throw new Error(`${planned.instance} was not asked about`);
    resizes.push(await planOneResize(query, { instance, planned, environment }));
  }
  return { places: [], removals: [], resizes, notes: [] };
}

async function planOneResize(
  query: Query,
  {
    instance,
    planned,
    environment,
  }: Readonly<{ instance: InstanceRecord; planned: PlannedResize; environment: RequestEnvironment }>,
): Promise<RequestPlan["resizes"][number]> {
  const { stays, reason, ...rest } = planned;
  const resize = { ...rest, reasons: reason === null ? [] : [{ ...reason }] };
  if (instance.design === null) {
    resize.reasons.push({ en: "nothing of it runs yet", zh: "尚未运行" });
    return { ...resize, effect: "on-paper" };
  }
  const node = await environment.neighbours.estate.nodeOf(query, planned.toHost);
  if (node === null) throw new Failure("request.impossible", `host ${planned.toHost} is gone from the estate`);
  const { design } = instance;
  const designOf = (record: InstanceRecord) =>
    designInstance(query, environment, { instance: record, design, release: "" });
  const after = { ...instance, class: planned.toClass, host: planned.toHost, node };
  const change = classifyChange(await designOf(instance), await designOf(after), stays ? "release" : "move");
  if (change.effect === "forbidden" || change.effect === "none") {
    const paths = change.steps.map(({ path, reason }) => `${path} (${reason})`).join(", ");
    throw new Failure("request.impossible", `${instance.name} cannot be resized to ${planned.toClass}: ${paths}`);
  }
  for (const step of change.steps.filter(({ effect }) => effect === change.effect)) {
    resize.reasons.push({ en: `${step.path}: ${step.reason}`, zh: `${step.path}：${step.reason}` });
  }
  return { ...resize, effect: change.effect };
}

function unfit(field: string, detail: string): Failure {
  return new Failure("request.invalid", detail, { errors: [{ pointer: `/${field}`, message: detail }] });
}

function impossible(refusal: PlacementRefusal): Failure {
  const errors = [
    ...refusal.conflict.map(({ rule, text }) => ({ code: rule, message: text.en })),
    ...refusal.remedies.map(({ kind, text }) => ({ code: `remedy.${kind}`, message: text.en })),
  ];
  return new Failure("request.impossible", refusal.text.en, { errors });
}
