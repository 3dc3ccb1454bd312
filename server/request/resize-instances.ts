import type { RequestPlan } from "@wcs/api/request";
import { recordAudit } from "../audit/record-audit.ts";
import type { Transaction } from "../database/transaction.ts";
import { Failure } from "../http/failure.ts";
import { scopeOfInstance, type InstanceRecord } from "../instance/instance-record.ts";
import type { EstateLookup } from "../instance/neighbours.ts";
import { lockInstance, saveInstance } from "../instance/save-instance.ts";

/** Gives an instance of a request the class that was promised; its reconciler makes it so on its cluster. */
export async function resizeInstance(
  tx: Transaction,
  resize: RequestPlan["resizes"][number],
  { request, estate }: Readonly<{ request: string; estate: EstateLookup }>,
): Promise<void> {
  const instance = await lockFree(tx, resize.instance);
  const node = await estate.nodeOf(tx.query, resize.toHost);
  if (node === null) throw new Failure("request.impossible", `host ${resize.toHost} is gone from the estate`);
  const { toClass, toHost: host, toPool: pool, borrowed } = resize;
  const stateReason = `resized to ${toClass} by request ${request}`;
  await saveInstance(tx, instance, { class: toClass, host, node, pool, borrowed, stateReason });
  recordAudit(tx, {
    resource: { kind: "Instance", name: instance.name },
    scope: scopeOfInstance(instance),
    before: { class: instance.class, host: instance.host },
    after: { class: toClass, host, effect: resize.effect },
    outcome: "done",
  });
}

/** Locks an instance that nothing else works on. */
export async function lockFree(tx: Transaction, name: string): Promise<InstanceRecord> {
  const instance = await lockInstance(tx, name);
  if (instance === null) throw new Failure("request.impossible", `${name} is gone already`);
  if (instance.heldBy !== null) {
    throw new Failure("instance.busy", `${name} is worked on by ${instance.heldBy}: wait for its end, or abort it`);
  }
  if (instance.move !== null) {
    const { recovery } = instance.move;
    throw new Failure("instance.busy", `${name} is moved off its lost host by ${recovery}: wait for its end`);
  }
  return instance;
}
