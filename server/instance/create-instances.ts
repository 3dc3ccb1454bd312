import { instanceOperations } from "@wcs/api/instance";
import { transitionProblem, type InstanceWish } from "@wcs/core/instance";
import { notFound, principalReach, requireAccess, type Principal } from "../access/principal.ts";
import { scopeCondition } from "../access/scope-condition.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Transaction } from "../database/transaction.ts";
import { Failure } from "../http/failure.ts";
import { decodePageCursor, encodePageCursor } from "../http/page-cursor.ts";
import { act, answer, read } from "../http/route.ts";
import type { Feature, Platform } from "../program/platform.ts";
import type { TemplateService } from "../template/template-service.ts";
import { compareRunning } from "./compare-running.ts";
import { scopeOfInstance, selectInstances, type InstanceRecord } from "./instance-record.ts";
import { instanceView } from "./instance-view.ts";
import type { Neighbours } from "./neighbours.ts";
import { createInstanceReconciler } from "./reconcile-instance.ts";
import { lockInstance, saveInstance, type InstanceChanges } from "./save-instance.ts";

const [list, get, diff, start, stop, restart] = instanceOperations;
const scopeColumns = { business: "business", environment: "environment", dcnGroup: "dcn_group" } as const;
const filterColumns = ["subsystem", "dcn", "environment", "cluster", "host", "state"] as const;

/** `/api/v1/instances`: what there is, start, stop and restart; and the reconciler that makes it so on the clusters. */
export function createInstances(
  platform: Platform,
  {
    neighbours,
    templates,
    timeZone,
  }: Readonly<{ neighbours: Neighbours; templates: TemplateService; timeZone: string }>,
): Feature {
  const { query } = platform.database;

  /** Locks an instance that the caller may operate and that nothing else works on. */
  const operable = async (tx: Transaction, principal: Principal, name: string): Promise<InstanceRecord> => {
    const instance = await lockInstance(tx, name);
    if (instance === null) throw notFound("instances", name);
    requireAccess(principal, { verb: "operate", resource: "instances", name, scope: scopeOfInstance(instance) });
    const environment = await neighbours.estate.environment(tx.query, instance.environment);
    if (environment?.ticketRequired === true && tx.context.ticket === null) {
      throw new Failure("act.ticket-required", `${instance.environment} asks for a change ticket`);
    }
    if (instance.heldBy !== null) {
      throw new Failure("instance.busy", `${name} is worked on by ${instance.heldBy}: wait for its end, or abort it`);
    }
    if (instance.move !== null) {
      throw new Failure(
        "instance.busy",
        `${name} is moved off its lost host by ${instance.move.recovery}: wait for its end`,
      );
    }
    if (instance.design === null || instance.wish === "retire") {
      throw new Failure("instance.busy", `${name} is ${instance.state}: ${instance.stateReason}`);
    }
    return instance;
  };
  const change = async (tx: Transaction, before: InstanceRecord, changes: InstanceChanges, after: object) => {
    const saved = await saveInstance(tx, before, changes);
    recordAudit(tx, {
      resource: { kind: "Instance", name: before.name },
      scope: scopeOfInstance(before),
      before: { wish: before.wish, state: before.state },
      after,
      outcome: "done",
    });
    return answer(200, instanceView(saved), saved.version);
  };
  const wishing = (operation: typeof start, wish: InstanceWish) =>
    act(operation, async ({ params, principal }, tx) => {
      const before = await operable(tx, principal, params.name);
      return change(tx, before, { wish }, { wish });
    });

  return {
    routes: [
      read(list, async ({ query: asked, principal }) => {
        const limit = asked.limit ?? 100;
        const reach = principalReach(principal, "list", "instances");
        const values: unknown[] = [];
        const conditions = filterColumns.flatMap((column) => {
          const value = asked[column];
          return value === undefined ? [] : [`${column} = $${values.push(value)}`];
        });
        if (asked.retired !== true) conditions.push("retired_at IS NULL");
        const [after] = asked.cursor === undefined ? [""] : decodePageCursor(asked.cursor, ["string"]);
        conditions.push(`name > $${values.push(after)}`);
        const scope = scopeCondition(reach, scopeColumns, values.length + 1);
        values.push(...scope.values);
        const where = [...conditions, scope.text].join(" AND ");
        const found = await selectInstances(query, `${where} ORDER BY name LIMIT $${values.push(limit + 1)}`, values);
        const items = found.slice(0, limit);
        const last = items.at(-1);
        return answer(200, {
          items: items.map(instanceView),
          next: found.length > limit && last !== undefined ? encodePageCursor([last.name]) : null,
        });
      }),
      read(get, async ({ params, principal }) => {
        const [instance] = await selectInstances(query, "name = $1", [params.name]);
        if (instance === undefined) throw notFound("instances", params.name);
        const scope = scopeOfInstance(instance);
        requireAccess(principal, { verb: "get", resource: "instances", name: params.name, scope });
        return answer(200, instanceView(instance), instance.version);
      }),
      read(diff, async ({ params: { name }, query: { template = null }, principal }) => {
        const [instance] = await selectInstances(query, "name = $1", [name]);
        if (instance === undefined) throw notFound("instances", name);
        requireAccess(principal, { verb: "get", resource: "instances", name, scope: scopeOfInstance(instance) });
        return answer(200, await compareRunning(query, { neighbours, templates, timeZone, instance, template }));
      }),
      wishing(start, "run"),
      wishing(stop, "stop"),
      act(restart, async ({ params, principal }, tx) => {
        const before = await operable(tx, principal, params.name);
        const podUid = before.observed?.podUid ?? null;
        const problem = podUid === null ? `${before.name} has no pod now` : transitionProblem(before.state, "starting");
        if (problem !== null) throw new Failure("instance.busy", problem);
        return change(tx, before, { restartOf: podUid }, { restarted: podUid });
      }),
    ],
    reconcilers: [createInstanceReconciler({ platform, neighbours, templates, timeZone })],
  };
}
