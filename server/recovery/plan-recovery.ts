import type { RecoveryBudget, RecoveryPlan } from "@wcs/api/recovery";
import { planRecovery, type HostHealth } from "@wcs/core/instance";
import type { BilingualText, RackMove } from "@wcs/core/placement";
import { notFound } from "../access/principal.ts";
import type { Query } from "../database/database.ts";
import { Failure } from "../http/failure.ts";
import { selectInstances, type InstanceRecord } from "../instance/instance-record.ts";
import type { Neighbours } from "../instance/neighbours.ts";
import { hashOfPlan } from "./recovery-record.ts";

const defaultBudget: RecoveryBudget = { instancesPerBatch: 5, instancesPerHost: 3 };

/** A lost host's plan, with what its environments ask of the people who approve it. */
export type PlannedRecovery = Readonly<{
  host: string;
  node: string;
  cluster: string;
  rack: string;
  lost: string;
  plan: RecoveryPlan;
  planHash: string;
  approvalsNeeded: number;
  ticketNeeded: boolean;
}>;

/**
 * Where the instances of a lost host go within its rack. Throws `resource.not-found` for a host that is not in the estate, and
 * `recovery.refused` when the host is not lost or has nothing to move.
 */
export async function planHostRecovery(
  query: Query,
  {
    host,
    budget = defaultBudget,
    neighbours,
  }: Readonly<{ host: string; budget?: RecoveryBudget | undefined; neighbours: Neighbours }>,
): Promise<PlannedRecovery> {
  const { estate, clusters, placement } = neighbours;
  const found = await estate.host(query, host);
  if (found === null) throw notFound("hosts", host);
  const { cluster, node, rack } = found;
  if (cluster === null) throw new Failure("recovery.refused", `${host} is in no cluster: it has no instances`);
  const health = clusters.hostHealth(cluster, node);
  requireLost(host, health);
  const instances = await selectInstances(query, "host = $1 AND retired_at IS NULL ORDER BY name", [host]);
  if (instances.length === 0) {
    throw new Failure("recovery.refused", `no instance is on ${host}: there is nothing to move`);
  }

  const importance = new Map<string, "A" | "B" | "C" | "D">();
  for (const { subsystem } of instances) {
    importance.set(subsystem, (await estate.subsystem(query, subsystem))?.importance ?? "D");
  }
  const importanceOf = ({ subsystem }: InstanceRecord) => importance.get(subsystem) ?? "D";
  const going = instances
    .filter(({ wish }) => wish !== "retire")
    .toSorted((a, b) => `${importanceOf(a)} ${a.name}`.localeCompare(`${importanceOf(b)} ${b.name}`, "en"));
  const names = going.map(({ name }) => name);
  const places = new Map((await placement.withinRack(query, host, names)).map((move) => [move.instance, move]));
  const placeOf = (name: string): RackMove => places.get(name) ?? { instance: name, to: null, why: unplanned };
  const { batches } = planRecovery({
    host,
    budget,
    candidates: going.map((instance) => {
      const { to, why } = placeOf(instance.name);
      const destination = to === null ? { refusal: why.en } : { host: to.host };
      return { instance: instance.name, importance: importanceOf(instance), destination };
    }),
  });
  const byName = new Map(going.map((instance) => [instance.name, instance]));
  const moves: RecoveryPlan["moves"] = [];
  for (const [index, batch] of batches.entries()) {
    for (const { instance } of batch) {
      const record = byName.get(instance);
      const { to, why } = placeOf(instance);
      const toNode = to === null ? null : await estate.nodeOf(query, to.host);
      if (record === undefined || to === null || toNode === null) throw new Error(`${instance} has lost its place`);
      moves.push({
        instance,
        subsystem: record.subsystem,
        business: record.business,
        dcn: record.dcn,
        ips: record.nics.map(({ ip }) => ip),
        batch: index + 1,
        toHost: to.host,
        toNode,
        toCluster: to.cluster,
        toPool: to.pool,
        borrowed: to.borrowed,
        why: { ...why },
      });
    }
  }
  const left = [
    ...names
      .filter((name) => placeOf(name).to === null)
      .map((instance) => ({ instance, why: { ...placeOf(instance).why } })),
    ...instances.filter(({ wish }) => wish === "retire").map(({ name }) => ({ instance: name, why: { ...retiring } })),
  ];
  const plan: RecoveryPlan = { budget: { ...budget }, moves, left };
  const rules = [];
  for (const name of new Set(instances.map(({ environment }) => environment))) {
    rules.push(await estate.environment(query, name));
  }
  return {
    host,
    node,
    cluster,
    rack,
    lost: health.reason,
    plan,
    planHash: hashOfPlan(host, plan),
    // What moves running applications is never one person's decision.
    approvalsNeeded: Math.max(1, ...rules.map((rule) => rule?.approvals ?? 1)),
    ticketNeeded: rules.some((rule) => rule?.ticketRequired === true),
  };
}

/** Throws `recovery.refused` unless the host is lost. */
function requireLost(host: string, { state, reason }: HostHealth): void {
  if (state === "lost") return;
  const what = {
    up: "is up: its instances stay on it",
    unhealthy: "is in trouble and its kubelet still speaks: mend the host, its instances are judged by their own pods",
    unknown: "can't be judged",
  }[state];
  throw new Failure("recovery.refused", `${host} ${what} (${reason})`);
}

const unplanned: BilingualText = { en: "it was not planned", zh: "未纳入规划" };
const retiring: BilingualText = {
  en: "it is retiring: it needs no new host, and is gone once its host is back",
  zh: "正在下线：不需要新的宿主机，宿主机恢复后即完成下线",
};
