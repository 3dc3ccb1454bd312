import { frozenAt, isMoving, nextReleaseSteps, type ReleaseProgress, type TargetFacts } from "@wcs/core/release";
import { recordAudit } from "../audit/record-audit.ts";
import { transaction, type ActContext, type Transaction } from "../database/transaction.ts";
import { scopeOfInstance, selectInstances, type InstanceRecord } from "../instance/instance-record.ts";
import type { Neighbours } from "../instance/neighbours.ts";
import { lockInstance, saveInstance } from "../instance/save-instance.ts";
import type { Platform } from "../program/platform.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import { checkHttp, type HttpAnswer } from "./check-http.ts";
import { freezeWindowsOf } from "./freeze-windows.ts";
import { freeInstances } from "./hold-instances.ts";
import { lookIntoFailure } from "./look-into-failure.ts";
import {
  scopeOfRelease,
  selectReleases,
  selectTargets,
  updateRelease,
  type ReleaseRecord,
  type TargetRecord,
} from "./release-record.ts";

const name = "releases";
/** How often to look although nothing was told: a fallback, since changes of instances are told. */
const lookAgainMs = 1_000;

type Options = Readonly<{ platform: Platform; neighbours: Neighbours }>;

/** Works on every release that is under way: looks, decides by core/release, does one step, and may be killed anywhere. */
export function createReleaseReconciler(options: Options): Reconciler {
  const { query } = options.platform.database;
  return {
    name,
    keys: async () => {
      const rows = await query<{ id: string }>(
        "SELECT id FROM releases WHERE state IN ('running', 'waiting', 'verifying')",
      );
      return rows.map(({ id }) => id);
    },
    keysOf: ({ kind, name, record }) => {
      if (kind === "Release") return [name];
      const heldBy = kind === "Instance" ? (record as { heldBy?: string | null }).heldBy : null;
      return heldBy?.startsWith("r-") === true ? [heldBy] : [];
    },
    reconcile: (key) => reconcileRelease(options, key),
    resyncMs: 30_000,
    workers: 10,
  };
}

async function reconcileRelease(options: Options, id: string): Promise<void | Readonly<{ againAfterMs: number }>> {
  const { platform } = options;
  const { query } = platform.database;
  const [release] = await selectReleases(query, "id = $1", [id]);
  if (release === undefined || !isMoving(release.state)) return;
  const names = release.plan.targets.map(({ instance }) => instance);
  const [instances, targets, windows] = await Promise.all([
    selectInstances(query, "name = ANY($1)", [names]),
    selectTargets(query, id),
    freezeWindowsOf(query, release.environment),
  ]);
  const byName = new Map(instances.map((instance) => [instance.name, instance]));
  const frozen = frozenAt({ windows, environment: release.environment, atMs: Date.now() });
  const progress = nextReleaseSteps({
    nowMs: Date.now(),
    batches: release.plan.batches,
    gates: release.plan.gates,
    targets: new Map(targets.map((target) => [target.instance, factsOf(options, { release, target, byName })])),
    confirmedPauses: new Set(release.confirmedPauses),
    frozenUntilMs: release.breakGlass === null ? (frozen?.untilMs ?? null) : null,
    goOnWithoutCluster: release.plan.goOnWithoutCluster,
  });
  const answers = await askInstances(release, progress, byName);
  const failures = await explainFailures(options, progress, byName);
  const isDone = progress.state === "verifying" && everyReady(release, byName);
  await transaction(platform.database, { context: contextOf(platform, release) }, async (tx) => {
    const [now] = await selectReleases(tx.query, "id = $1 FOR UPDATE", [id]);
    // Somebody has paused or ended it meanwhile: what was decided is of yesterday.
    if (now === undefined || now.version !== release.version) return;
    for (const { step, instance } of progress.steps) {
      if (step === "change") await changeInstance(tx, now, instance);
      if (step === "pass") await mark(tx, { release: id, instance, column: "passed_at" });
      const answer = answers.get(instance);
      if (step === "check-http" && answer !== undefined) {
        const values = [id, instance, JSON.stringify(answer)];
        await tx.query("UPDATE release_targets SET http = $3 WHERE release = $1 AND instance = $2", values);
      }
    }
    for (const [instance, report] of failures) {
      const values = [id, instance, JSON.stringify(report)];
      await tx.query("UPDATE release_targets SET failure = $3 WHERE release = $1 AND instance = $2", values);
    }
    await progressed(tx, now, { progress, isDone });
  });
  if (progress.state === "paused" || progress.state === "failed" || isDone) return;
  if (progress.steps.some(({ step }) => step === "pass" || step === "check-http")) return { againAfterMs: 0 };
  const wakeMs = progress.wakeAtMs === null ? lookAgainMs : Math.max(0, progress.wakeAtMs - Date.now());
  return { againAfterMs: Math.min(lookAgainMs, wakeMs) };
}

function factsOf(
  { neighbours }: Options,
  {
    release,
    target,
    byName,
  }: Readonly<{
    release: ReleaseRecord;
    target: TargetRecord;
    byName: ReadonlyMap<string, InstanceRecord>;
  }>,
): TargetFacts {
  const instance = byName.get(target.instance);
  if (instance === undefined) throw new Error(`${target.instance} is gone`);
  const atVersion = isAtVersion(release, instance);
  const mine = instance.release === release.id;
  return {
    clusterAnswersSinceMs: neighbours.clusters.answersSinceMs(instance.cluster),
    atVersion,
    changedAtMs: target.changedAt?.getTime() ?? null,
    readySinceMs: atVersion ? (instance.observed?.readySinceMs ?? null) : null,
    http: target.http,
    passed: target.passedAt !== null,
    trouble: mine && instance.observed?.podRelease === release.id ? instance.observed.trouble : null,
    hostLost: instance.state === "lost" ? instance.stateReason : null,
  };
}

/** The running pod is the one that this release wants. An instance that is to stand still is when it stands still. */
function isAtVersion(release: ReleaseRecord, { release: brought, observed }: InstanceRecord): boolean {
  return (
    brought === release.id &&
    observed !== null &&
    observed.podRelease === release.id &&
    observed.podVersion !== null &&
    observed.podVersion === observed.meantVersion
  );
}

function everyReady(release: ReleaseRecord, byName: ReadonlyMap<string, InstanceRecord>): boolean {
  return [...byName.values()].every((instance) => instance.state === "ready" && isAtVersion(release, instance));
}

async function changeInstance(tx: Transaction, release: ReleaseRecord, name: string): Promise<void> {
  const planned = release.plan.targets.find(({ instance }) => instance === name);
  const instance = await lockInstance(tx, name);
  if (planned === undefined || instance === null) throw new Error(`${name} is gone`);
  if (instance.heldBy !== release.id) throw new Error(`${name} is held by ${instance.heldBy}, not by ${release.id}`);
  await mark(tx, { release: release.id, instance: name, column: "changed_at" });
  // Asked for again while its cluster has not come so far: there is nothing new to write down.
  if (instance.release === release.id) return;
  const state = instance.state === "delivered" ? "released" : instance.state;
  await saveInstance(tx, instance, { release: release.id, design: planned.to, state });
  recordAudit(tx, {
    resource: { kind: "Instance", name },
    scope: scopeOfInstance(instance),
    before: { release: instance.release, design: instance.design },
    after: { release: release.id, design: planned.to },
    outcome: "done",
  });
}

async function mark(
  tx: Transaction,
  { release, instance, column }: Readonly<{ release: string; instance: string; column: "changed_at" | "passed_at" }>,
): Promise<void> {
  await tx.query(
    `UPDATE release_targets SET ${column} = clock_timestamp() WHERE release = $1 AND instance = $2 AND ${column} IS NULL`,
    [release, instance],
  );
}

/** Writes down what the release has come to, if that is news. */
async function progressed(
  tx: Transaction,
  release: ReleaseRecord,
  { progress, isDone }: Readonly<{ progress: ReleaseProgress; isDone: boolean }>,
): Promise<void> {
  const state = isDone ? "done" : progress.state;
  const stateReason = isDone ? "every instance is Ready at its version" : progress.reason;
  if (state === release.state && stateReason === release.stateReason && progress.batch === release.batch) return;
  const endedAt = isDone ? new Date() : null;
  const after = await updateRelease(tx, release, { state, stateReason, batch: progress.batch, endedAt });
  if (isDone) await freeInstances(tx, release.id);
  if (state === release.state) return;
  recordAudit(tx, {
    resource: { kind: "Release", name: release.id },
    scope: scopeOfRelease(release),
    before: { state: release.state },
    after: { state, reason: stateReason },
    outcome: state === "failed" ? "failed" : "done",
  });
  if (isDone && after.takesBack !== null) await takenBack(tx, after.takesBack, after.id);
}

async function takenBack(tx: Transaction, id: string, by: string): Promise<void> {
  const [release] = await selectReleases(tx.query, "id = $1 FOR UPDATE", [id]);
  if (release?.state !== "rolling-back") return;
  const stateReason = `${by} has taken it back`;
  await updateRelease(tx, release, { state: "rolled-back", stateReason, endedAt: new Date() });
  await freeInstances(tx, id);
  recordAudit(tx, {
    resource: { kind: "Release", name: id },
    scope: scopeOfRelease(release),
    before: { state: release.state },
    after: { state: "rolled-back", reason: stateReason },
    outcome: "done",
  });
}

async function askInstances(
  release: ReleaseRecord,
  progress: ReleaseProgress,
  byName: ReadonlyMap<string, InstanceRecord>,
): Promise<ReadonlyMap<string, HttpAnswer>> {
  const { http } = release.plan.gates;
  const asked = progress.steps.filter(({ step }) => step === "check-http");
  if (http === null || asked.length === 0) return new Map();
  const answers = await Promise.all(
    asked.map(async ({ instance }) => {
      const ip = byName.get(instance)?.nics[0]?.ip ?? "";
      return [instance, await checkHttp(`http://${ip}:${http.port}${http.path}`)] as const;
    }),
  );
  return new Map(answers);
}

async function explainFailures(
  { neighbours }: Options,
  { failed }: ReleaseProgress,
  byName: ReadonlyMap<string, InstanceRecord>,
) {
  const reports = await Promise.all(
    failed.map(async ({ instance, reason }) => {
      const record = byName.get(instance);
      if (record === undefined) throw new Error(`${instance} is gone`);
      const client = await neighbours.clusters.clientOf(record.cluster);
      const namespace = neighbours.clusters.namespaceOf(record.business);
      return [instance, await lookIntoFailure({ client, namespace, instance, reason })] as const;
    }),
  );
  return new Map(reports);
}

function contextOf(platform: Platform, release: ReleaseRecord): ActContext {
  return {
    actor: { kind: "System", name, tokenId: null },
    from: platform.holder,
    requestId: "",
    act: "releases.reconcile",
    reason: release.reason,
    ticket: release.ticket,
  };
}
