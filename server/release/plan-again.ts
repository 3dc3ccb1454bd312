import { canonicalJson } from "@wcs/core/canonical";
import type { Transaction } from "../database/transaction.ts";
import { selectInstances } from "../instance/instance-record.ts";
import { planTargets, type PlanEnvironment } from "./plan-release.ts";
import { replacePlan, updateRelease, type ReleaseRecord } from "./release-record.ts";

/**
 * Plans a release that has not started again, by what its instances are now; null when that is what was planned. Instances that are gone are
 * left out. Approvals of the old plan are none of the new one.
 */
export async function planAgain(
  tx: Transaction,
  release: ReleaseRecord,
  environment: PlanEnvironment,
): Promise<ReleaseRecord | null> {
  const { targets, batches: _, strategy, ...rest } = release.plan;
  const instances = await selectInstances(
    tx.query,
    "name = ANY($1) AND retired_at IS NULL AND wish <> 'retire' ORDER BY name",
    [targets.map(({ instance }) => instance)],
  );
  const wanted = instances.flatMap((instance) => {
    const to = targets.find((target) => target.instance === instance.name)?.to;
    return to === undefined ? [] : [{ instance, to }];
  });
  const planned = await planTargets(tx.query, { wanted, strategy, rest, environment });
  if (planned.planHash === release.planHash) return null;
  const was = new Map(targets.map((target) => [target.instance, target]));
  const now = new Map(planned.plan.targets.map((target) => [target.instance, target]));
  const changed = [...was].flatMap(([name, target]) => {
    const after = now.get(name);
    if (after === undefined) return [`${name} is gone`];
    return canonicalJson(after) === canonicalJson(target) ? [] : [`${name} has changed`];
  });
  const some = changed.slice(0, 5).join(", ");
  const stateReason = `the plan does not hold any more (${some}); this is the new one, to be approved`;
  return updateRelease(tx, await replacePlan(tx, release, planned), { stateReason, approvals: [] });
}
