import {
  frozenAt,
  isMoving,
  stepsAfterPasses,
  type FailureReport,
  type ReleaseProgress,
  type TargetFacts,
} from "@wcs/core/release";
import { recordAudit } from "../audit/record-audit.ts";
import type { Query, Row } from "../database/database.ts";
import { transaction, type ActContext, type Transaction } from "../database/transaction.ts";
import { scopeOfInstance, selectInstances, type InstanceRecord } from "../instance/instance-record.ts";
import type { Neighbours } from "../instance/neighbours.ts";
import { saveDesigns } from "../instance/save-instance.ts";
import type { Platform } from "../program/platform.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import { checkHttp, type HttpAnswer } from "./check-http.ts";
import { freezeWindowsOf } from "./freeze-windows.ts";
import { endTakingBack } from "./end-taking-back.ts";
import { freeInstances } from "./hold-instances.ts";
import { lookIntoFailure } from "./look-into-failure.ts";
import {
  scopeOfRelease,
  selectOpenTargets,
  selectReleaseOfPlan,
  selectReleases,
  updateRelease,
  type ReleasePlan,
  type ReleaseRecord,
  type TargetRecord,
} from "./release-record.ts";

const name = "releases";
/** How often to look although nothing was told: a fallback, since changes of instances are told. */
const lookAgainMs = 1_000;
const tellEveryMs = 1_000;
/** A look at a release costs by how many of its instances are on their way, so those of large batches come less often. */
const settleMsOfOne = 1;
const mostSettleMs = 500;
/** Plans never change, and one of thousands of instances is megabytes: those of the last releases are kept. */
const mostPlans = 20;

type Settings = Readonly<{ platform: Platform; neighbours: Neighbours }>;
type Options = Settings &
  Readonly<{ plans: Map<string, ReleasePlan>; toldAtMs: Map<string, number>; settled: Map<string, number> }>;

/** Works on every release that is under way: looks, decides by core/release, does one step, and may be killed anywhere. */
export function createReleaseReconciler(settings: Settings): Reconciler {
  const options: Options = { ...settings, plans: new Map(), toldAtMs: new Map(), settled: new Map() };
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

async function findRelease({ platform, plans, toldAtMs, settled }: Options, id: string): Promise<ReleaseRecord | null> {
  const { query } = platform.database;
  const plan = plans.get(id);
  if (plan !== undefined) return selectReleaseOfPlan(query, { id, plan });
  const [release] = await selectReleases(query, "id = $1", [id]);
  if (release === undefined) return null;
  // Until it starts it may be planned again.
  if (isMoving(release.state)) plans.set(id, release.plan);
  for (const oldest of [...plans.keys()].slice(0, -mostPlans)) {
    plans.delete(oldest);
    toldAtMs.delete(oldest);
    settled.delete(oldest);
  }
  return release;
}

/**
 * What is to be looked at: the instances that have not passed, up to the second batch with one whose cluster answers: the one that is worked on and
 * the one that may begin. What comes after that is not reached in this look (core/release), however many there are.
 */
async function lookAtTargets({ platform, neighbours }: Options, release: ReleaseRecord) {
  const { query } = platform.database;
  const open = await selectOpenTargets(query, release.id);
  const answers = ({ cluster }: Readonly<{ cluster: string }>) => neighbours.clusters.answersSinceMs(cluster) !== null;
  const batch = open.find(answers)?.batch ?? Number.POSITIVE_INFINITY;
  const lastBatch = open.find((target) => target.batch > batch && answers(target))?.batch ?? Number.POSITIVE_INFINITY;
  const reached = open.filter(({ batch }) => batch <= lastBatch);
  const names = reached.map(({ instance }) => instance);
  const instances = await selectInstances(query, "name = ANY($1)", [names]);
  const byName = new Map(instances.map((instance) => [instance.name, instance]));
  const targets = new Map(release.plan.targets.map(({ instance }) => [instance, passedTarget]));
  for (const target of open) targets.delete(target.instance);
  for (const target of reached) targets.set(target.instance, factsOf(neighbours, { release, target, byName }));
  return { byName, targets };
}

const passedTarget: TargetFacts = {
  clusterAnswersSinceMs: null,
  atVersion: true,
  changedAtMs: null,
  readySinceMs: null,
  stopped: false,
  http: null,
  passed: true,
  trouble: null,
  hostLost: null,
};

async function reconcileRelease(options: Options, id: string): Promise<void | Readonly<{ againAfterMs: number }>> {
  const { platform } = options;
  const { query } = platform.database;
  // What many instances tell within a moment is looked at once.
  const settlesInMs = (options.settled.get(id) ?? 0) - performance.now();
  if (settlesInMs > 1) return { againAfterMs: settlesInMs };
  const release = await findRelease(options, id);
  if (release === null || !isMoving(release.state)) return;
  const [{ byName, targets }, windows] = await Promise.all([
    lookAtTargets(options, release),
    freezeWindowsOf(query, release.environment),
  ]);
  options.settled.set(id, performance.now() + Math.min(mostSettleMs, byName.size * settleMsOfOne));
  const frozen = frozenAt({ windows, environment: release.environment, atMs: Date.now() });
  const { passed, progress: planned } = stepsAfterPasses({
    nowMs: Date.now(),
    batches: release.plan.batches,
    gates: release.plan.gates,
    targets,
    confirmedPauses: new Set(release.confirmedPauses),
    frozenUntilMs: release.breakGlass === null ? (frozen?.untilMs ?? null) : null,
    goOnWithoutCluster: release.plan.goOnWithoutCluster,
  });
  const progress = planned.state === "verifying" ? await verify(query, planned, release) : planned;
  const answers = await askInstances(release, progress, byName);
  const failures = await explainFailures(options, progress, byName);
  const isDone = progress.state === "verifying" && progress.wakeAtMs === null;
  await transaction(platform.database, { context: contextOf(platform, release) }, async (tx) => {
    const now = await selectReleaseOfPlan(tx.query, { id, plan: release.plan, lock: true });
    // Somebody has paused or ended it meanwhile: what was decided is of yesterday.
    if (now === null || now.version !== release.version) return;
    const those = (wanted: ReleaseProgress["steps"][number]["step"]) =>
      progress.steps.filter(({ step }) => step === wanted).map(({ instance }) => instance);
    await mark(tx, { release: id, instances: passed, column: "passed_at" });
    await changeInstances(tx, now, those("change"));
    for (const instance of those("check-http")) {
      const answer = answers.get(instance);
      if (answer === undefined) continue;
      const values = [id, instance, JSON.stringify(answer)];
      await tx.query("UPDATE release_targets SET http = $3 WHERE release = $1 AND instance = $2", values);
    }
    for (const [instance, report] of failures) {
      const values = [id, instance, JSON.stringify(report)];
      await tx.query("UPDATE release_targets SET failure = $3 WHERE release = $1 AND instance = $2", values);
    }
    // How many are left to go is told once a second at most.
    const told = options.toldAtMs.get(id) ?? Number.NEGATIVE_INFINITY;
    const isNews = isDone || progress.state !== now.state || progress.batch !== now.batch;
    if (!isNews && performance.now() - told < tellEveryMs) return;
    options.toldAtMs.set(id, performance.now());
    await progressed(tx, now, { progress, isDone, failures: [...failures.values()] });
  });
  if (progress.state === "paused" || progress.state === "failed" || isDone) return;
  if (progress.steps.some(({ step }) => step === "check-http")) return { againAfterMs: 0 };
  const wakeMs = progress.wakeAtMs === null ? lookAgainMs : Math.max(0, progress.wakeAtMs - Date.now());
  return { againAfterMs: Math.min(lookAgainMs, wakeMs) };
}

function factsOf(
  neighbours: Neighbours,
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
    stopped: instance.wish === "stop",
    http: target.http,
    passed: target.passedAt !== null,
    trouble: mine && instance.observed?.podRelease === release.id ? instance.observed.trouble : null,
    hostLost: instance.state === "lost" ? instance.stateReason : null,
  };
}

/** The running pod is the one that this release wants. An instance that is to stand still is when it stands still. */
function isAtVersion(release: ReleaseRecord, instance: InstanceRecord): boolean {
  const { release: brought, observed, wish } = instance;
  if (wish === "stop") return brought === release.id && observed?.meantRelease === brought && observed.podUid === null;
  return (
    brought === release.id &&
    observed !== null &&
    observed.podRelease === release.id &&
    observed.podVersion !== null &&
    observed.podVersion === observed.meantVersion
  );
}

type OpenRow = Row & Readonly<{ name: string; reason: string; lastPass: Date | null }>;

/**
 * The verification at the end: every instance of the release, however long ago it passed, is Ready at its version (one that is stopped stands
 * still at it; the same as `isAtVersion`). Until that is so it waits, for as long as an instance may take to be Ready; then the release has failed.
 */
async function verify(query: Query, progress: ReleaseProgress, release: ReleaseRecord): Promise<ReleaseProgress> {
  const open = await query<OpenRow>(
    `SELECT i.name, i.state_reason AS reason, max(t.passed_at) OVER () AS "lastPass"
     FROM release_targets t JOIN instances i ON i.name = t.instance WHERE t.release = $1 AND NOT t.left_out AND NOT coalesce(
       CASE i.wish WHEN 'stop' THEN i.state = 'stopped' AND i.release = $1 AND i.observed->>'meantRelease' = $1
       ELSE i.state = 'ready' AND i.release = $1 AND i.observed->>'podRelease' = $1
         AND i.observed->>'podVersion' = i.observed->>'meantVersion' END, false) ORDER BY i.name LIMIT 20`,
    [release.id],
  );
  const [first] = open;
  if (first === undefined) return progress;
  const some = open.slice(0, 5).map(({ name }) => name);
  const reason = `every batch has passed, and at the end these are not Ready at their version: ${some.join(", ")}`;
  const untilMs = (first.lastPass?.getTime() ?? Date.now()) + release.plan.gates.readyTimeoutSeconds * 1000;
  if (Date.now() < untilMs) return { ...progress, reason, wakeAtMs: untilMs };
  const failed = open.map((row) => ({ instance: row.name, reason: `at the end: ${row.reason}` }));
  return { ...progress, state: "failed", reason, failed };
}

async function changeInstances(tx: Transaction, release: ReleaseRecord, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const wanted = new Set(names);
  const planned = new Map(
    release.plan.targets.filter(({ instance }) => wanted.has(instance)).map(({ instance, to }) => [instance, to]),
  );
  const locked = await selectInstances(tx.query, "name = ANY($1) ORDER BY name FOR UPDATE", [names]);
  if (locked.length < wanted.size || planned.size < wanted.size) {
    throw new Error(`some of ${names.join(", ")} are gone`);
  }
  const other = locked.find(({ heldBy }) => heldBy !== release.id);
  if (other !== undefined) throw new Error(`${other.name} is held by ${other.heldBy}, not by ${release.id}`);
  await mark(tx, { release: release.id, instances: names, column: "changed_at" });
  const changes = locked.flatMap((before) => {
    const design = planned.get(before.name);
    // Asked for again while its cluster has not come so far: there is nothing new to write down.
    return before.release === release.id || design === undefined ? [] : [{ before, design }];
  });
  await saveDesigns(tx, release.id, changes);
  for (const { before, design } of changes) {
    recordAudit(tx, {
      resource: { kind: "Instance", name: before.name },
      scope: scopeOfInstance(before),
      before: { release: before.release, design: before.design },
      after: { release: release.id, design },
      outcome: "done",
    });
  }
}

async function mark(
  tx: Transaction,
  given: Readonly<{ release: string; instances: readonly string[]; column: "changed_at" | "passed_at" }>,
): Promise<void> {
  const { release, instances, column } = given;
  if (instances.length === 0) return;
  await tx.query(
    `UPDATE release_targets SET ${column} = clock_timestamp()
     WHERE release = $1 AND instance = ANY($2) AND ${column} IS NULL`,
    [release, instances],
  );
}

/** Writes down what the release has come to, if that is news. */
async function progressed(
  tx: Transaction,
  release: ReleaseRecord,
  {
    progress,
    isDone,
    failures,
  }: Readonly<{ progress: ReleaseProgress; isDone: boolean; failures: readonly FailureReport[] }>,
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
    // A failure that is tried again goes from the release; here it stays.
    after: { state, reason: stateReason, ...(failures.length === 0 ? {} : { failures }) },
    outcome: state === "failed" ? "failed" : "done",
  });
  if (isDone && after.takesBack !== null) {
    const ended = { state: "rolled-back", stateReason: `${after.id} has taken it back` } as const;
    await endTakingBack(tx, after.takesBack, ended);
  }
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
