import { randomBytes } from "node:crypto";
import type { OperationAnswer } from "@wcs/api";
import { cmdbOperations } from "@wcs/api/cmdb";
import { nowhere } from "../access/nowhere.ts";
import { notFound, requirePlatformAccess, type Principal } from "../access/principal.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Query, Row } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import { Failure } from "../http/failure.ts";
import { decodePageCursor, encodePageCursor } from "../http/page-cursor.ts";
import { act, answer, read, type Route } from "../http/route.ts";
import type { Platform } from "../program/platform.ts";
import { secretNameOf, type CmdbTargetRow } from "./cmdb-targets.ts";

const { createTarget, deleteTarget, discardDelivery, listDeliveries, listTargets, replaceTarget, replayDelivery } =
  cmdbOperations;

type TargetRecord = OperationAnswer<typeof replaceTarget>;
type DeliveryRecord = OperationAnswer<typeof replayDelivery>;

const targetsWithCounts = `SELECT t.*,
  (SELECT count(*) FROM cmdb_deliveries d WHERE d.target = t.name AND d.state = 'waiting') AS waiting,
  (SELECT count(*) FROM cmdb_deliveries d WHERE d.target = t.name AND d.state = 'dead') AS dead FROM cmdb_targets t`;
const deliveryColumns = "id, target, state, kind, name, change, version, attempts, last_error, next_at";

type CountedRow = CmdbTargetRow & Readonly<{ waiting: number; dead: number }>;
type DeliveryRow = Row &
  Readonly<{
    id: number;
    target: string;
    state: DeliveryRecord["state"];
    kind: string;
    name: string;
    change: string;
    version: number;
    attempts: number;
    last_error: string | null;
    next_at: Date;
  }>;

/** The routes of targets and deliveries. They belong to the platform, not to a business. */
export function cmdbRoutes({ database, secrets }: Platform): readonly Route[] {
  const targetOf = async (query: Query, name: string): Promise<TargetRecord | null> => {
    const [row] = await query<CountedRow>(`${targetsWithCounts} WHERE t.name = $1`, [name]);
    return row === undefined ? null : recordOf(row);
  };
  const lockTarget = async (
    tx: Transaction,
    request: Readonly<{ principal: Principal; verb: string; name: string; ifMatch: number | null }>,
  ): Promise<TargetRecord> => {
    const { principal, verb, name, ifMatch } = request;
    requirePlatformAccess(principal, verb, "cmdb-targets");
    await tx.query("SELECT 1 FROM cmdb_targets WHERE name = $1 FOR UPDATE", [name]);
    const target = await targetOf(tx.query, name);
    if (target === null) throw notFound("cmdb-targets", name);
    if (ifMatch !== null && ifMatch !== target.version) {
      throw new Failure(
        "resource.version-mismatch",
        `cmdb-targets/${name} is at version ${target.version}, not ${ifMatch}`,
      );
    }
    return target;
  };
  const record = (tx: Transaction, before: TargetRecord | null, after: TargetRecord | null): void => {
    const last = after ?? before;
    if (last === null) throw new Error("a change has a before or an after");
    const { kind, name, version } = last;
    const change = after === null ? "deleted" : before === null ? "created" : "updated";
    recordEvent(tx, { change, kind, name, version, scope: nowhere, record: last });
    recordAudit(tx, { resource: { kind, name }, scope: nowhere, before, after, outcome: "done" });
  };
  const endDead = async (
    tx: Transaction,
    id: number,
    how: Readonly<{ principal: Principal; verb: "replay" | "discard"; update: string }>,
  ): Promise<DeliveryRecord> => {
    requirePlatformAccess(how.principal, how.verb, "cmdb-deliveries");
    const [before] = await tx.query<DeliveryRow>(
      `SELECT ${deliveryColumns} FROM cmdb_deliveries WHERE id = $1 FOR UPDATE`,
      [id],
    );
    if (before === undefined) throw notFound("cmdb-deliveries", String(id));
    if (before.state !== "dead") throw new Failure("cmdb.not-dead", `delivery ${id} is ${before.state}`);
    const [after] = await tx.query<DeliveryRow>(
      `UPDATE cmdb_deliveries SET ${how.update} WHERE id = $1 RETURNING ${deliveryColumns}`,
      [id],
    );
    if (after === undefined) throw new Error("the delivery vanished under its lock");
    const resource = { kind: "CmdbDelivery", name: String(id) };
    recordAudit(tx, {
      resource,
      scope: nowhere,
      before: deliveryOf(before),
      after: deliveryOf(after),
      outcome: "done",
    });
    return deliveryOf(after);
  };

  return [
    read(listTargets, async ({ principal }) => {
      requirePlatformAccess(principal, "list", "cmdb-targets");
      const rows = await database.query<CountedRow>(`${targetsWithCounts} ORDER BY t.name`);
      return answer(200, { items: rows.map(recordOf) });
    }),
    act(createTarget, async ({ body, principal, query }, tx) => {
      const { name, type, url, kinds, enabled, key = randomBytes(32).toString("base64url") } = body;
      requirePlatformAccess(principal, "create", "cmdb-targets");
      const made = await tx.query(
        "INSERT INTO cmdb_targets (name, type, url, kinds, enabled) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING 1",
        [name, type, url, kinds, enabled],
      );
      if (made.length === 0) throw new Failure("resource.exists", `cmdb-targets/${name} is there already`);
      await secrets.put(tx.query, secretNameOf(name), key);
      const target = await targetOf(tx.query, name);
      if (target === null) throw new Error("the target vanished in its own transaction");
      record(tx, null, target);
      return answer(201, { target, key: query.dryRun === true ? "" : key }, target.version);
    }),
    act(replaceTarget, async ({ params: { name }, body, principal, ifMatch }, tx) => {
      const before = await lockTarget(tx, { principal, verb: "update", name, ifMatch });
      const { type, url, kinds, enabled, key } = body;
      await tx.query(
        "UPDATE cmdb_targets SET type = $2, url = $3, kinds = $4, enabled = $5, version = version + 1 WHERE name = $1",
        [name, type, url, kinds, enabled],
      );
      if (key !== undefined) await secrets.put(tx.query, secretNameOf(name), key);
      const after = await targetOf(tx.query, name);
      if (after === null) throw new Error("the target vanished under its lock");
      record(tx, before, after);
      return answer(200, after, after.version);
    }),
    act(deleteTarget, async ({ params: { name }, principal, ifMatch }, tx) => {
      const before = await lockTarget(tx, { principal, verb: "delete", name, ifMatch });
      await tx.query("DELETE FROM cmdb_targets WHERE name = $1", [name]);
      await secrets.remove(tx.query, secretNameOf(name));
      record(tx, before, null);
      return answer(204, undefined);
    }),
    read(listDeliveries, async ({ query, principal }) => {
      requirePlatformAccess(principal, "list", "cmdb-deliveries");
      const { limit = 100, cursor, target = null, state = null } = query;
      const [after] = cursor === undefined ? [0] : decodePageCursor(cursor, ["number"]);
      const rows = await database.query<DeliveryRow>(
        `SELECT ${deliveryColumns} FROM cmdb_deliveries WHERE id > $1 AND ($2::text IS NULL OR target = $2)
         AND ($3::text IS NULL OR state = $3) ORDER BY id LIMIT $4`,
        [after, target, state, limit + 1],
      );
      const items = rows.slice(0, limit).map(deliveryOf);
      const last = items.at(-1);
      return answer(200, {
        items,
        next: rows.length > limit && last !== undefined ? encodePageCursor([last.id]) : null,
      });
    }),
    act(replayDelivery, async ({ params: { id }, principal }, tx) => {
      const update = "state = 'waiting', attempts = 0, next_at = now()";
      return answer(200, await endDead(tx, id, { principal, verb: "replay", update }));
    }),
    act(discardDelivery, async ({ params: { id }, principal }, tx) => {
      const update = "state = 'discarded', ended_at = now()";
      return answer(200, await endDead(tx, id, { principal, verb: "discard", update }));
    }),
  ];
}

function recordOf({ name, type, url, kinds, enabled, version, waiting, dead }: CountedRow): TargetRecord {
  return { kind: "CmdbTarget", name, type, url, kinds, enabled, version, waiting, dead };
}

function deliveryOf({ last_error: lastError, next_at: nextAt, ...row }: DeliveryRow): DeliveryRecord {
  const { id, target, state, kind, name, change, version, attempts } = row;
  return { id, target, state, kind, name, change, version, attempts, lastError, nextAt: nextAt.toISOString() };
}
