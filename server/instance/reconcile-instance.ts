import {
  fatalTrouble,
  observeInstance,
  podName,
  presentContainer,
  type InstanceManifests,
  type InstanceState,
  type LivePod,
} from "@wcs/core/instance";
import { isKubeError, pods, statefulSets, type KubeClient } from "@wcs/kube";
import { recordAudit } from "../audit/record-audit.ts";
import { transaction, type ActContext } from "../database/transaction.ts";
import type { Platform } from "../program/platform.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import type { TemplateService } from "../template/template-service.ts";
import { bringInstance, fieldManager } from "./bring-instance.ts";
import { createDesignKeeper, designInstance, keptDesign } from "./design-instance.ts";
import { scopeOfInstance, selectInstances, type InstanceObservation, type InstanceRecord } from "./instance-record.ts";
import { readLiveInstance, type LiveInstance } from "./live-instance.ts";
import type { EstateLookup, Neighbours } from "./neighbours.ts";
import { createInstanceReader, type InstanceReader } from "./read-instance.ts";
import { removeLeftovers } from "./remove-leftovers.ts";
import { lockInstance, sameDrift, sameObservation, saveInstance, type InstanceChanges } from "./save-instance.ts";

const name = "instances";
/** How soon to look again although nothing was told: the watches tell, and these are for what they miss. */
const lookAgain = { movingMs: 5_000, awayMs: 30_000, goneMs: 2_000 };
/** How long news that nobody waits for may be kept back: a pod on its way tells four steps in a second. */
const keptBackMs = 1_500;

type Settings = Readonly<{ platform: Platform; neighbours: Neighbours; templates: TemplateService; timeZone: string }>;
type Options = Settings &
  Readonly<{
    reader: InstanceReader;
    keepDesign: ReturnType<typeof createDesignKeeper>;
    /** Instances with news that are kept back, and until when. */
    keptBack: Map<string, number>;
    /** The versions of instances in which this server wrote down what it saw, so that it does not look at its own writing. */
    observedAs: Map<string, number>;
  }>;

/** Makes every instance on its cluster what it is meant to be, and writes down what is seen of it. */
export function createInstanceReconciler(settings: Settings): Reconciler {
  const { platform, neighbours } = settings;
  const { query } = platform.database;
  const options: Options = {
    ...settings,
    reader: createInstanceReader(neighbours.clusters),
    keepDesign: createDesignKeeper(query),
    keptBack: new Map(),
    observedAs: new Map(),
    neighbours: { ...neighbours, estate: { ...neighbours.estate, class: rememberedClasses(neighbours.estate.class) } },
  };
  const clusterOf = new Map<string, string>();
  const onCluster = async (cluster: string, node: string | null, namespace: string | null) => {
    const rows = await query<{ name: string; business: string }>(
      `SELECT name, business FROM instances WHERE retired_at IS NULL AND (design IS NOT NULL OR wish = 'retire')
         AND cluster = $1 AND ($2::text IS NULL OR node = $2)`,
      [cluster, node],
    );
    const { namespaceOf } = neighbours.clusters;
    return rows
      .filter(({ business }) => namespace === null || namespaceOf(business) === namespace)
      .map(({ name }) => name);
  };
  return {
    name,
    keys: async () => {
      const rows = await query<{ name: string; cluster: string }>(
        "SELECT name, cluster FROM instances WHERE retired_at IS NULL AND (design IS NOT NULL OR wish = 'retire')",
      );
      clusterOf.clear();
      for (const { name, cluster } of rows) clusterOf.set(name, cluster);
      return rows.map((row) => row.name);
    },
    keysOf: ({ kind, change, name, version, record }) => {
      if (kind !== "Instance" || change === "deleted" || version === options.observedAs.get(name)) return [];
      clusterOf.set(name, (record as { cluster?: string }).cluster ?? "");
      return [name];
    },
    follow: (add, signal) => {
      const addAllOf = (cluster: string, node: string | null, namespace: string | null): void => {
        onCluster(cluster, node, namespace).then(add, (error: unknown) =>
          platform.log.warn({ err: error, cluster, node }, "the instances of a cluster or host can't be read"),
        );
      };
      return neighbours.clusters.follow(
        {
          onPod: (_, pod) => add(instanceOfPod(pod)),
          onStatefulSet: (_, instance) => add([instance]),
          onHost: (cluster, node) => addAllOf(cluster, node, null),
          onCluster: (cluster, namespace) => addAllOf(cluster, null, namespace),
        },
        signal,
      );
    },
    reconcile: (key, signal) => reconcileInstance(options, key, signal),
    // A cluster that hangs must not take every worker.
    laneOf: (key) => clusterOf.get(key) ?? "",
    workersPerLane: 12,
    resyncMs: 300_000,
    workers: 36,
  };
}

/** Classes change seldom, and all instances of a release ask for the same. */
function rememberedClasses(find: EstateLookup["class"]): EstateLookup["class"] {
  const forMs = 2_000;
  const known = new Map<string, Readonly<{ found: ReturnType<EstateLookup["class"]>; untilMs: number }>>();
  return (query, name) => {
    const before = known.get(name);
    if (before !== undefined && performance.now() < before.untilMs) return before.found;
    const found = find(query, name);
    known.set(name, { found, untilMs: performance.now() + forMs });
    found.catch(() => known.delete(name));
    return found;
  };
}

/** A StatefulSet of one names its pod `<instance>-0`. */
function instanceOfPod(pod: string): readonly string[] {
  return pod.endsWith("-0") ? [pod.slice(0, -2)] : [];
}

async function reconcileInstance(
  options: Options,
  key: string,
  signal: AbortSignal,
): Promise<void | Readonly<{ againAfterMs: number }>> {
  const { platform, neighbours, reader } = options;
  const [instance] = await selectInstances(platform.database.query, "name = $1", [key]);
  if (instance === undefined || instance.retiredAt !== null) return;
  if (instance.design === null) {
    if (instance.wish === "retire") await retired(options, instance, "nothing of it was ever on a cluster");
    return;
  }
  // What its old host has of it must be fenced first (docs/adr/0033).
  if (instance.move?.fenced === false) return { againAfterMs: lookAgain.movingMs };
  const client = await neighbours.clusters.clientOf(instance.cluster);
  if (client === null) return { againAfterMs: lookAgain.awayMs };
  const namespace = neighbours.clusters.namespaceOf(instance.business);

  if (instance.wish === "retire") {
    const live = await readLiveInstance(client, { namespace, instance: key }, signal);
    if (live.statefulSet === null && live.pod === null) {
      await removeLeftovers(client, { namespace, instance: key, signal });
      await retired(options, instance, "its pod and StatefulSet are gone");
      return;
    }
    if (live.statefulSet !== null) {
      const preconditions = { uid: live.statefulSet.uid };
      await deleteIfThere(
        client.delete(statefulSets, { namespace, name: key, preconditions, propagation: "Foreground", signal }),
      );
    }
    await observe(options, instance, { live, meant: null, drift: [] });
    return { againAfterMs: lookAgain.movingMs };
  }

  const { design, release } = instance;
  const meant = await designInstance(platform.database.query, options, { instance, design, release: release ?? "" });
  await options.keepDesign(key, meant);
  await restartIfAsked(options, { instance, client, namespace, signal });
  // A move may be to another cluster: what was written and seen before says nothing.
  if (instance.move !== null) reader.distrust(key);
  const at = { cluster: instance.cluster, namespace, instance: key, isMeantToRun: instance.wish === "run" };
  const live = await reader.read(client, at, signal);
  // The watch will tell of what this server wrote, and then this is asked again.
  if (live === null) return { againAfterMs: lookAgain.goneMs };
  if (neighbours.clusters.isNamespaceGone(instance.cluster, namespace)) {
    await observe(options, instance, { live, meant, drift: [] });
    return { againAfterMs: lookAgain.goneMs };
  }
  try {
    const brought = await bringInstance({
      client,
      namespace,
      instance: key,
      meant,
      designOf: (version) => keptDesign(platform.database.query, key, version),
      purpose: instance.move === null ? "release" : "move",
      live,
      signal,
    });
    if (brought.did !== "nothing") {
      reader.wrote(key, brought.wrote);
      const facts = { instance: key, did: brought.did, manager: fieldManager };
      platform.log.info(facts, "an instance was brought to its design");
      return { againAfterMs: lookAgain.movingMs };
    }
    const state = await observe(options, instance, { live, meant, drift: brought.reported });
    if (state === null) return { againAfterMs: keptBackMs };
    if (isSteady(state)) return;
    return { againAfterMs: Math.min(lookAgain.movingMs, reader.missingPodDueMs(key) ?? lookAgain.movingMs) };
  } catch (error) {
    reader.distrust(key);
    // Somebody was quicker: what was seen is of yesterday.
    if (isKubeError(error, "conflict")) return { againAfterMs: 50 };
    // The cluster's health is told once, not for each of its instances.
    if (isKubeError(error, "unreachable", "timed-out")) return { againAfterMs: lookAgain.movingMs };
    throw error;
  }
}

/** What is gone already, or is another by now, need not be deleted. */
async function deleteIfThere(deletion: Promise<void>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!isKubeError(error) || (error.reason !== "not-found" && error.reason !== "conflict")) throw error;
  }
}

function isSteady(state: InstanceState): boolean {
  return state === "ready" || state === "stopped" || state === "lost";
}

async function restartIfAsked(
  options: Options,
  at: Readonly<{ instance: InstanceRecord; client: KubeClient; namespace: string; signal: AbortSignal }>,
): Promise<void> {
  const { query } = options.platform.database;
  const uid = at.instance.restartOf;
  if (uid === null) return;
  const { pod } = await readLiveInstance(at.client, { namespace: at.namespace, instance: at.instance.name }, at.signal);
  if (pod?.uid === uid && !pod.deleting) {
    const target = { namespace: at.namespace, name: podName(at.instance.name), preconditions: { uid } };
    await deleteIfThere(at.client.delete(pods, { ...target, signal: at.signal }));
  }
  if (pod?.uid === uid) return;
  const { name } = at.instance;
  await query("UPDATE instances SET restart_of = NULL WHERE name = $1 AND restart_of = $2", [name, uid]);
}

/** Writes down what is seen, if that is news, and returns the state; null when it is kept back for a moment. */
async function observe(
  options: Options,
  before: InstanceRecord,
  seen: Readonly<{ live: LiveInstance; meant: InstanceManifests | null; drift: InstanceRecord["drift"] }>,
): Promise<InstanceState | null> {
  const { platform, neighbours } = options;
  const { live, meant } = seen;
  const judge = (instance: InstanceRecord) =>
    observeInstance({
      wish: instance.wish,
      // The first release takes an instance from `delivered` into the states that are seen.
      state: instance.state === "delivered" ? "released" : instance.state,
      clusterAnswers: true,
      statefulSet: live.statefulSet,
      pod: live.pod,
      host: neighbours.clusters.hostHealth(instance.cluster, instance.node),
      moving: instance.move !== null,
    });
  const observed = observationOf(live.pod, meant, before);
  const news = (instance: InstanceRecord): InstanceChanges | null => {
    const { state, reason } = judge(instance);
    const same =
      state === instance.state &&
      reason === instance.stateReason &&
      sameObservation(instance.observed, observed) &&
      sameDrift(instance.drift, seen.drift);
    return same ? null : { state, stateReason: reason, observed, drift: seen.drift };
  };
  const found = news(before);
  if (found === null) {
    options.keptBack.delete(before.name);
    return before.state;
  }
  if (!isAwaited(before, found)) {
    const untilMs = options.keptBack.get(before.name) ?? performance.now() + keptBackMs;
    options.keptBack.set(before.name, untilMs);
    if (performance.now() < untilMs) return null;
  }
  options.keptBack.delete(before.name);
  return transaction(platform.database, { context: contextOf(platform) }, async (tx) => {
    const instance = await lockInstance(tx, before.name);
    if (instance === null) throw new Error(`${before.name} is gone`);
    // What was seen is of the instance as it was: a newer wish or design looks again.
    if (instance.version !== before.version && instance.wish !== before.wish) return instance.state;
    const changes = news(instance);
    if (changes === null) return instance.state;
    const saved = await saveInstance(tx, instance, changes);
    // Whatever else was changed meanwhile has an event of its own.
    tx.afterCommit(() => options.observedAs.set(saved.name, saved.version));
    return saved.state;
  });
}

const ordinary: readonly InstanceState[] = ["released", "starting", "unready", "ready"];

/** Whether a release or a person waits for the news, or it only tells how far a pod on its way has come. */
function isAwaited(before: InstanceRecord, { state, observed, drift }: InstanceChanges): boolean {
  if (state === undefined || !ordinary.includes(state) || !ordinary.includes(before.state)) return true;
  if (observed === undefined || observed === null || observed.readySinceMs !== null) return true;
  if (before.observed?.trouble !== observed.trouble) return true;
  if (JSON.stringify(before.drift) !== JSON.stringify(drift)) return true;
  // That it is no longer Ready is news, unless a release is making it so.
  return before.heldBy === null && (before.observed?.readySinceMs ?? null) !== null;
}

function observationOf(
  pod: LivePod | null,
  meant: InstanceManifests | null,
  before: InstanceRecord,
): InstanceObservation {
  const isPresent = pod !== null && presentContainer(pod).isPresent;
  return {
    podUid: pod?.uid ?? null,
    lastPodUid: pod?.uid ?? before.observed?.lastPodUid ?? null,
    podVersion: pod?.annotations["wcs.io/version"] ?? null,
    meantVersion: meant?.version ?? null,
    meantRelease: meant === null ? null : before.release,
    podRelease: pod?.annotations["wcs.io/release"] ?? null,
    readySinceMs: isPresent ? pod.readySinceMs : null,
    restarts: pod?.restarts ?? 0,
    runningDigest: pod?.runningDigest ?? null,
    trouble: pod === null ? null : fatalTrouble(pod, before.design?.imageDigest ?? ""),
  };
}

/** The end of an instance: its addresses and its capacity go back. */
async function retired(options: Options, { name }: InstanceRecord, reason: string): Promise<void> {
  const { platform, neighbours } = options;
  await transaction(platform.database, { context: contextOf(platform) }, async (tx) => {
    const instance = await lockInstance(tx, name);
    if (instance === null || instance.retiredAt !== null) return;
    const uid = instance.observed?.lastPodUid ?? null;
    await neighbours.addresses.retire(tx, [name], uid === null ? [] : [uid]);
    const after = await saveInstance(tx, instance, {
      state: "retired",
      stateReason: reason,
      observed: null,
      drift: [],
      retiredAt: new Date().toISOString(),
    });
    recordAudit(tx, {
      resource: { kind: "Instance", name },
      scope: scopeOfInstance(after),
      before: { state: instance.state },
      after: { state: "retired" },
      outcome: "done",
    });
  });
}

function contextOf(platform: Platform): ActContext {
  return {
    actor: { kind: "System", name, tokenId: null },
    from: platform.holder,
    requestId: "",
    act: `${name}.reconcile`,
    reason: null,
    ticket: null,
  };
}
