import { nextMoveStep, type AddressProbe, type MoveFacts } from "@wcs/core/instance";
import { recordAudit } from "../audit/record-audit.ts";
import { transaction, type ActContext, type Transaction } from "../database/transaction.ts";
import { scopeOfInstance, selectInstances, type InstanceRecord } from "../instance/instance-record.ts";
import type { Neighbours } from "../instance/neighbours.ts";
import { lockInstance, saveInstance } from "../instance/save-instance.ts";
import type { Platform } from "../program/platform.ts";
import { fenceInstances, fenceOf, writeFence } from "./host-fences.ts";
import { clearOldObjects, hasOldObjects, type OldPlace } from "./old-host-objects.ts";
import type { RackProber } from "./rack-prober.ts";
import { updateMove, type MoveRecord, type RecoveryRecord } from "./recovery-record.ts";

/** The points at which a recovery may be killed; a test throws there. */
export const recoveryFaultPoints = ["probed", "bound", "fence-written", "fenced", "cleared", "arrived"] as const;
export type RecoveryFaults = (point: (typeof recoveryFaultPoints)[number], instance: string) => void;

export type MoveOptions = Readonly<{
  platform: Platform;
  neighbours: Neighbours;
  prober: RackProber;
  faults: RecoveryFaults;
}>;

type Move = Readonly<{ recovery: RecoveryRecord; move: MoveRecord; instance: InstanceRecord; signal: AbortSignal }>;

const readyWithinMs = 300_000;
const soonMs = 300;
const awayMs = 2_000;

/** Does the next step of one instance's move. Returns when to look again, or null when the move has ended. May be killed anywhere. */
export async function stepMove(
  options: MoveOptions,
  { recovery, move, signal }: Omit<Move, "instance">,
): Promise<number | null> {
  const { query } = options.platform.database;
  const [instance] = await selectInstances(query, "name = $1", [move.instance]);
  if (instance === undefined) throw new Error(`${move.instance} is gone`);
  const at: Move = { recovery, move, instance, signal };
  const elsewhere = move.state === "planned" ? whyNotToMove(recovery, instance) : null;
  if (elsewhere !== null) return end(options, at, { state: "stayed", reason: elsewhere });

  const old = await oldPlaceOf(options, at);
  const next = nextMoveStep(await factsOf(options, at, old));
  switch (next.step) {
    case "wait":
      await say(options, at, next.reason);
      return next.untilMs === null ? 1_000 : Math.min(1_000, Math.max(0, next.untilMs - Date.now()));
    case "probe":
      return probe(options, at);
    case "bind":
      await bind(options, at);
      options.faults("bound", instance.name);
      return 0;
    case "fence":
      return (await fence(options, at)) ? 0 : awayMs;
    case "clear":
      if (old === null || !(await clearOldObjects(old))) return soonMs;
      options.faults("cleared", instance.name);
      return 0;
    case "done":
      options.faults("arrived", instance.name);
      return end(options, at, { state: "done", reason: next.reason });
    case "give-up":
      return end(options, at, { state: "stayed", reason: next.reason });
    case "fail":
      return end(options, at, { state: "failed", reason: next.reason });
    default:
      throw new TypeError(`a move has no step ${JSON.stringify(next satisfies never)}`);
  }
}

/** Why an instance that was planned to move is not to be moved any more; null when it still is. */
function whyNotToMove({ host }: RecoveryRecord, instance: InstanceRecord): string | null {
  if (instance.retiredAt !== null || instance.wish === "retire") return "it is retiring";
  if (instance.host !== host) return `it is on ${instance.host} by now`;
  return instance.move === null ? null : `${instance.move.recovery} moves it`;
}

async function factsOf(
  { neighbours }: MoveOptions,
  { recovery, move, instance }: Move,
  old: OldPlace | null,
): Promise<MoveFacts> {
  const bound = move.state === "bound";
  const fenced = bound && instance.move?.fenced === true;
  const isBare = instance.design === null;
  const oldObjects = isBare
    ? "gone"
    : !fenced || old === null
      ? "unknown"
      : (await hasOldObjects(old))
        ? "there"
        : "gone";
  return {
    nowMs: Date.now(),
    oldHost: neighbours.clusters.hostHealth(recovery.cluster, recovery.node),
    probes: move.probes,
    bound,
    fenced,
    oldObjects,
    arrived: isBare || hasArrived(instance),
    dueMs: move.boundAt === null ? null : move.boundAt.getTime() + readyWithinMs,
  };
}

/** The pod is there, made of what is meant now (the new host is part of that), and Ready; or none, if none shall be. */
function hasArrived({ wish, observed }: InstanceRecord): boolean {
  if (observed === null) return false;
  if (wish === "stop") return observed.podUid === null;
  return observed.podUid !== null && observed.podVersion === observed.meantVersion && observed.readySinceMs !== null;
}

async function oldPlaceOf(
  { neighbours }: MoveOptions,
  { recovery, move, instance, signal }: Move,
): Promise<OldPlace | null> {
  const client = await neighbours.clusters.clientOf(recovery.cluster);
  if (client === null) return null;
  const namespace = neighbours.clusters.namespaceOf(instance.business);
  const sameCluster = move.toCluster === recovery.cluster;
  return { client, namespace, instance: instance.name, node: recovery.node, toNode: move.toNode, sameCluster, signal };
}

/** Asks the rack once for every address of the instance. Nobody to ask is no silence. */
async function probe(options: MoveOptions, at: Move): Promise<number> {
  const { query } = options.platform.database;
  const { recovery, move, instance } = at;
  const answers = await Promise.all(
    instance.nics.map(({ area, ip }) =>
      options.prober.ask(query, { rack: recovery.rack, area, ip, notHost: recovery.host }),
    ),
  );
  const problem = answers.find((answer) => "problem" in answer);
  if (problem !== undefined && "problem" in problem) {
    await say(options, at, `nobody could ask the rack for its addresses: ${problem.problem}`);
    return awayMs;
  }
  const answeredBy = answers.map((answer) => ("mac" in answer ? answer.mac : null)).find((mac) => mac !== null) ?? null;
  const probes: AddressProbe[] = [...move.probes, { atMs: Date.now(), answeredBy }].slice(-10);
  await updateMove(query, move, { probes, reason: "its addresses are being asked for on their rack" });
  options.faults("probed", instance.name);
  return 0;
}

/**
 * Decides the move: the instance's record names the new host, its addresses have a new generation, and the old host's fence should name the
 * old one. Nothing on a cluster has been touched until here, and the instance's reconciler touches nothing before the fence is written.
 */
async function bind(options: MoveOptions, { recovery, move }: Move): Promise<void> {
  const { platform, neighbours } = options;
  const planned = recovery.plan.moves.find(({ instance }) => instance === move.instance);
  if (planned === undefined) throw new Error(`${move.instance} is not in the plan of ${recovery.id}`);
  await transaction(platform.database, { context: contextOf(platform, recovery) }, async (tx) => {
    const instance = await lockInstance(tx, move.instance);
    if (instance === null) throw new Error(`${move.instance} is gone`);
    const [open] = await tx.query<{ state: string }>(
      "SELECT state FROM recovery_moves WHERE recovery = $1 AND instance = $2 FOR UPDATE",
      [recovery.id, move.instance],
    );
    // Stopped, retired or moved meanwhile: the next look says so.
    if (open?.state !== "planned" || whyNotToMove(recovery, instance) !== null) return;
    const before = (await neighbours.addresses.networks(tx.query, [instance.name])).get(instance.name);
    if (before === undefined) throw new Error(`${instance.name} has no addresses in the ledger`);
    await neighbours.addresses.renew(tx, [instance.name]);
    const { cluster, node, host } = recovery;
    await fenceInstances(tx, { cluster, node, host }, [{ instance: instance.name, generation: before.generation }]);
    const after = await saveInstance(tx, instance, {
      cluster: move.toCluster,
      host: move.toHost,
      node: move.toNode,
      pool: planned.toPool,
      borrowed: planned.borrowed,
      observed: null,
      drift: [],
      move: { recovery: recovery.id, fenced: false },
      ...(instance.design === null
        ? {}
        : { state: "moving", stateReason: `${recovery.id} moves it to ${move.toHost}` }),
    });
    await updateMove(tx.query, move, { state: "bound", reason: `it goes to ${move.toHost}` });
    recordMove(tx, { before: instance, after, detail: { probes: move.probes, fencedGeneration: before.generation } });
  });
}

/** Writes the fence on the old Node, and only then lets the instance's reconciler work. False while the old cluster is away. */
async function fence(options: MoveOptions, { recovery, instance, signal }: Move): Promise<boolean> {
  const { platform, neighbours } = options;
  const wanted = await fenceOf(platform.database.query, recovery);
  if (wanted === null) throw new Error(`${recovery.host} should have a fence`);
  const client = await neighbours.clusters.clientOf(recovery.cluster);
  if (client === null) return false;
  await writeFence(client, wanted, signal);
  options.faults("fence-written", instance.name);
  await transaction(platform.database, { context: contextOf(platform, recovery) }, async (tx) => {
    const before = await lockInstance(tx, instance.name);
    if (before?.move?.recovery !== recovery.id || before.move.fenced) return;
    await saveInstance(tx, before, { move: { recovery: recovery.id, fenced: true } });
  });
  options.faults("fenced", instance.name);
  return true;
}

/** Writes down how a move has ended. */
async function end(
  { platform }: MoveOptions,
  { recovery, move }: Move,
  outcome: Readonly<{ state: "done" | "stayed" | "failed"; reason: string }>,
): Promise<null> {
  await transaction(platform.database, { context: contextOf(platform, recovery) }, async (tx) => {
    const before = await lockInstance(tx, move.instance);
    if (before === null) throw new Error(`${move.instance} is gone`);
    await updateMove(tx.query, move, outcome);
    const after = before.move?.recovery === recovery.id ? await saveInstance(tx, before, { move: null }) : before;
    recordMove(tx, { before, after, detail: { recovery: recovery.id, ...outcome, probes: move.probes } });
  });
  return null;
}

function recordMove(
  tx: Transaction,
  { before, after, detail }: Readonly<{ before: InstanceRecord; after: InstanceRecord; detail: object }>,
): void {
  const place = ({ cluster, host }: InstanceRecord) => ({ cluster, host });
  recordAudit(tx, {
    resource: { kind: "Instance", name: after.name },
    scope: scopeOfInstance(after),
    before: place(before),
    after: { ...place(after), ...detail },
    outcome: "done",
  });
}

/** Says why a move waits, if that is news. */
async function say({ platform }: MoveOptions, { move }: Move, reason: string): Promise<void> {
  if (move.reason !== reason) await updateMove(platform.database.query, move, { reason });
}

/** Who acts when a recovery is carried out. */
export function contextOf(platform: Platform, { reason, ticket }: RecoveryRecord): ActContext {
  return {
    actor: { kind: "System", name: "recoveries", tokenId: null },
    from: platform.holder,
    requestId: "",
    act: "recoveries.reconcile",
    reason,
    ticket,
  };
}
