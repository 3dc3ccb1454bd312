import { setImmediate } from "node:timers/promises";
import type { ReleaseBody } from "@wcs/api/release";
import { canonicalHash } from "@wcs/core/canonical";
import { classifyChange } from "@wcs/core/instance";
import { defaultStrategy, planBatches, type BatchStrategy, type ReleaseGates } from "@wcs/core/release";
import { checkParameters } from "@wcs/core/template";
import { notFound } from "../access/principal.ts";
import type { Query } from "../database/database.ts";
import { Failure } from "../http/failure.ts";
import { createDesigner, type DesignEnvironment } from "../instance/design-instance.ts";
import { selectInstances, type InstanceDesignRecord, type InstanceRecord } from "../instance/instance-record.ts";
import { selectReleases, type PlannedTarget, type ReleasePlan } from "./release-record.ts";

export type PlanEnvironment = DesignEnvironment;

const defaultHttpSeconds = 30;
const defaultGates: ReleaseGates = { readyTimeoutSeconds: 300, soakSeconds: 5, http: null };

/** The instances that a release names or selects, in the order of their names. */
export async function chooseInstances(query: Query, body: ReleaseBody): Promise<readonly InstanceRecord[]> {
  const instances = await selectInstances(
    query,
    `subsystem = $1 AND environment = $2 AND retired_at IS NULL AND wish <> 'retire'
       AND ($3::text[] IS NULL OR name = ANY($3)) AND ($4::text[] IS NULL OR dcn = ANY($4)) ORDER BY name`,
    [body.subsystem, body.environment, body.instances ?? null, body.dcns ?? null],
  );
  const names = new Set(instances.map(({ name }) => name));
  const missing = (body.instances ?? []).find((name) => !names.has(name));
  if (missing !== undefined) throw notFound("instances", missing);
  if (instances.length === 0) {
    throw new Failure("release.invalid", `subsystem ${body.subsystem} has no such instance in ${body.environment}`);
  }
  return instances;
}

/** The plan of a release to one version for all of its instances. */
export async function planRelease(
  query: Query,
  {
    body,
    instances,
    environment,
  }: Readonly<{
    body: ReleaseBody;
    instances: readonly InstanceRecord[];
    environment: PlanEnvironment;
  }>,
): Promise<{ plan: ReleasePlan; planHash: string }> {
  const template = await environment.templates.find(query, body.subsystem, body.template);
  if (template === null) throw notFound("templates", `${body.subsystem}/${body.template}`);
  const parameters = body.parameters ?? {};
  const schema = template.spec.parameters ?? { type: "object", properties: {} };
  const problems = checkParameters(schema, parameters);
  if (problems.length > 0) {
    throw new Failure("release.invalid", `${problems.length} parameters are not as the template wants them`, {
      errors: problems.map(({ path, problem, remedy }) => ({ pointer: path, message: `${problem}: ${remedy}` })),
    });
  }
  const to: InstanceDesignRecord = { template: body.template, parameters, imageDigest: body.imageDigest };
  const strategy: BatchStrategy = { ...defaultStrategy, ...body.strategy };
  const { http, ...times } = body.gates ?? {};
  const gates: ReleaseGates = {
    ...defaultGates,
    ...times,
    http: http === undefined ? null : { timeoutSeconds: defaultHttpSeconds, ...http },
  };
  const rollbackTo = body.rollbackTo ?? null;
  await checkRollbackTarget(query, body, rollbackTo);
  return planTargets(query, {
    wanted: instances.map((instance) => ({ instance, to })),
    strategy,
    rest: {
      gates,
      goOnWithoutCluster: body.goOnWithoutCluster ?? false,
      rollbackTo,
      verification: body.verification ?? null,
    },
    environment,
  });
}

/** A rollback target that is named is a release of the subsystem that has come to its end there. */
async function checkRollbackTarget(query: Query, body: ReleaseBody, rollbackTo: string | null): Promise<void> {
  if (rollbackTo === null || rollbackTo === "previous") return;
  const [target] = await selectReleases(query, "id = $1", [rollbackTo]);
  const isOther = target?.subsystem !== body.subsystem || target.environment !== body.environment;
  if (!isOther && target.state === "done") return;
  const why = isOther
    ? `subsystem ${body.subsystem} has no such release in ${body.environment}`
    : `it is ${target.state}`;
  const message = `${rollbackTo} can't be gone back to: ${why}. Name a release that is done, or "previous"`;
  throw new Failure("release.invalid", message, { errors: [{ pointer: "/rollbackTo", message }] });
}

/** The plan for instances that each have a version of their own to go to. */
export async function planTargets(
  query: Query,
  {
    wanted,
    strategy,
    rest,
    environment,
  }: Readonly<{
    wanted: readonly Readonly<{ instance: InstanceRecord; to: InstanceDesignRecord }>[];
    strategy: BatchStrategy;
    rest: Omit<ReleasePlan, "batches" | "targets" | "strategy">;
    environment: PlanEnvironment;
  }>,
): Promise<{ plan: ReleasePlan; planHash: string }> {
  const batches = planBatches(
    wanted.map(({ instance: { name, dcn, dcnGroup, cluster } }) => ({ instance: name, dcn, dcnGroup, cluster })),
    strategy,
  );
  if ("problem" in batches) throw new Failure("release.invalid", batches.problem);
  const batchOf = new Map(batches.batches.flatMap(({ number, instances }) => instances.map((name) => [name, number])));
  const targets: PlannedTarget[] = [];
  const names = wanted.map(({ instance }) => instance.name);
  const designOf = await createDesigner(query, environment, names);
  for (const [at, { instance, to }] of wanted.entries()) {
    const batch = batchOf.get(instance.name) ?? 0;
    targets.push(await planTarget({ instance, to, batch, designOf }));
    // Thousands take seconds, in which others want an answer.
    if (at % 50 === 49) await setImmediate();
  }
  const plan: ReleasePlan = { batches: batches.batches, targets, strategy, ...rest };
  return { plan, planHash: canonicalHash(plan) };
}

async function planTarget({
  instance,
  to,
  batch,
  designOf,
}: Readonly<{
  instance: InstanceRecord;
  to: InstanceDesignRecord;
  batch: number;
  designOf: Awaited<ReturnType<typeof createDesigner>>;
}>): Promise<PlannedTarget> {
  const from = instance.design;
  if (from === null) return { instance: instance.name, batch, from, to, effect: "create", changes: [] };
  const design = (record: InstanceDesignRecord) => designOf({ instance, design: record, release: "" });
  const change = classifyChange(await design(from), await design(to));
  if (change.effect === "forbidden") {
    throw new Failure("release.invalid", `${instance.name} cannot be changed like this`, {
      errors: change.steps
        .filter(({ effect }) => effect === "forbidden")
        .map(({ path, reason }) => ({ pointer: path, message: reason })),
    });
  }
  const changes = change.steps.map(({ path, reason }) => ({ path, reason }));
  return { instance: instance.name, batch, from, to, effect: change.effect, changes };
}
