import { randomUUID } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Counter } from "prom-client";
import { packagedCommandOperations, sessionOperations } from "@wcs/api/session";
import { reaches } from "@wcs/core/access-rights";
import { shippedCommands } from "@wcs/core/packaged-command";
import { notFound, principalReach, requireAccess, type Principal } from "../access/principal.ts";
import type { AgentCalls } from "../agent-link/link-registry.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Query } from "../database/database.ts";
import { transaction, type ActContext } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import { Failure } from "../http/failure.ts";
import { decodePageCursor, encodePageCursor } from "../http/page-cursor.ts";
import { act, answer, read, stream } from "../http/route.ts";
import { scopeOfInstance, selectInstances } from "../instance/instance-record.ts";
import type { Feature, Platform } from "../program/platform.ts";
import { openRecord, type RecordWriter } from "./record-writer.ts";
import { packagedRun } from "./packaged-run.ts";
import { runSession, type SessionPlace } from "./run-session.ts";
import { endSession, insertSession, selectSessions, type SessionRecord } from "./session-store.ts";

const [list, get, create, end, readRecord] = sessionOperations;
const [listPackaged] = packagedCommandOperations;

/** The kind of sessions in the watch log and the audit. */
const sessionKind = "Session";
const mostRunning = 20;
const lookForLostMs = 10_000;
const lostAfterSeconds = 60;

export type SessionNeighbours = Readonly<{
  agents: AgentCalls;
  /** The namespace of a business in its clusters. */
  namespaceOf: (business: string) => string;
}>;

/** A session that runs on this server. */
type Running = Readonly<{ stop: AbortController; record: Promise<RecordWriter>; done: Promise<void> }>;

/** `/api/v1/sessions`: programs run and logs read in instances, over the agents, every byte of it recorded before it is shown. */
export function createSessions(platform: Platform, { agents, namespaceOf }: SessionNeighbours): Feature {
  const { database, state, holder, log, metrics } = platform;
  const running = new Map<string, Running>();
  metrics.gauge("wcs_sessions_running", "Sessions that run on this server", () => running.size);
  const failedWrites = new Counter({
    name: "wcs_session_record_failures_total",
    help: "Writes of session records that failed; the session stands still until they succeed",
    registers: [metrics.registry],
  });
  const pathOf = ({ shown }: SessionRecord): string =>
    join(state.path, "records", shown.startedAt.slice(0, 10), `${shown.id}.jsonl`);

  /** Whether the principal may see, or `verb`, the session: its own, or by right. */
  const allowed = async (query: Query, principal: Principal, verb: string, id: string): Promise<SessionRecord> => {
    const [session] = await selectSessions(query, "id = $1", [id]);
    if (session === undefined) throw notFound("sessions", id);
    const { kind, name } = session.shown.person;
    if (kind !== principal.kind || name !== principal.name) {
      requireAccess(principal, { verb, resource: "sessions", name: id, scope: session.scope });
    }
    return session;
  };

  const begin = (session: SessionRecord, place: SessionPlace, context: ActContext): void => {
    const { id } = session.shown;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, platform.stopping]);
    const record = openRecord({
      path: pathOf(session),
      signal,
      now: () => new Date(),
      onFailure: (error) => {
        failedWrites.inc();
        log.error({ err: error, session: id }, "a session's record can't be written: the session stands still");
      },
    });
    const work = async (): Promise<void> => {
      let writer: RecordWriter | null = null;
      let exit: SessionRecord["shown"]["exit"];
      try {
        writer = await record;
        await writer.append("begin", JSON.stringify(session.shown));
        exit = await runSession({ agents, session: session.shown, place, record: writer, signal });
        await writer.append("exit", JSON.stringify(exit));
      } catch (error) {
        log.error({ err: error, session: id }, "a session failed");
        exit = { code: null, reason: "its record could not be written" };
      }
      const kept = writer === null ? null : await writer.close();
      await noteEnd(session, { exit, record: kept }, { ...context, act: "sessions.ended" });
    };
    const done = work()
      .catch((error: unknown) => log.error({ err: error, session: id }, "a session's end can't be noted"))
      .finally(() => running.delete(id));
    running.set(id, { stop, record, done });
  };

  const noteEnd = async (
    session: SessionRecord,
    outcome: Parameters<typeof endSession>[2],
    context: ActContext,
  ): Promise<void> => {
    await transaction(database, { context }, async (tx) => {
      const ended = await endSession(tx.query, session.shown.id, outcome);
      if (ended === null) return;
      tell(tx, "updated", ended, { exit: outcome.exit, record: outcome.record });
    });
  };
  const tell = (
    tx: Parameters<typeof recordEvent>[0],
    change: "created" | "updated",
    { shown, scope }: SessionRecord,
    after: unknown,
  ): void => {
    recordEvent(tx, { change, kind: sessionKind, name: shown.id, version: shown.version, scope, record: shown });
    recordAudit(tx, { resource: { kind: sessionKind, name: shown.id }, scope, before: null, after, outcome: "done" });
  };

  /** Sessions of servers that are gone: their agents have ended the processes when the connection broke. */
  const endLost = async (): Promise<void> => {
    const lost = await selectSessions(
      database.query,
      `state = 'running' AND started_at < now() - $1 * interval '1 second' AND server <> $2
         AND NOT EXISTS (SELECT FROM agent_servers a WHERE a.name = sessions.server AND a.expires_at > clock_timestamp()) LIMIT 100`,
      [lostAfterSeconds, holder],
    );
    for (const session of lost) {
      const actor = { kind: "System", name: "wcs-server", tokenId: null } as const;
      const context = { actor, from: "local", requestId: holder, act: "sessions.ended", reason: null, ticket: null };
      await noteEnd(session, { exit: { code: null, reason: "its server was lost" }, record: null }, context);
    }
  };

  return {
    run: async (signal) => {
      while (!signal.aborted) {
        await endLost().catch((error: unknown) => log.warn({ err: error }, "lost sessions can't be looked for"));
        await sleep(lookForLostMs, undefined, { signal }).catch(() => undefined);
      }
    },
    finish: async () => {
      await Promise.all([...running.values()].map(({ done }) => done));
    },
    routes: [
      read(list, async ({ query, principal }) => {
        const limit = query.limit ?? 100;
        const [before, beforeId] =
          query.cursor === undefined ? [null, ""] : decodePageCursor(query.cursor, ["string", "string"]);
        const reach = principalReach(principal, "list", "sessions");
        const items: SessionRecord[] = [];
        let place: readonly [string | null, string] = [before, beforeId];
        for (let isLast = false; items.length <= limit && !isLast;) {
          const rows = await selectSessions(
            database.query,
            `($1::timestamptz IS NULL OR (started_at, id) < ($1, $2)) AND ($3::text IS NULL OR instance = $3)
             ORDER BY started_at DESC, id DESC LIMIT 500`,
            [place[0], place[1], query.instance ?? null],
          );
          isLast = rows.length < 500;
          for (const row of rows) {
            const { person, startedAt, id } = row.shown;
            place = [startedAt, id];
            const isOwn = person.kind === principal.kind && person.name === principal.name;
            if (isOwn || reaches(reach, row.scope)) items.push(row);
            if (items.length > limit) break;
          }
        }
        const page = items.slice(0, limit).map(({ shown }) => shown);
        const last = page.at(-1);
        const isMore = items.length > limit && last !== undefined;
        return answer(200, { items: page, next: isMore ? encodePageCursor([last.startedAt, last.id]) : null });
      }),
      read(listPackaged, async () => answer(200, { items: [...shippedCommands] })),
      read(get, async ({ params, principal }) => {
        const { shown } = await allowed(database.query, principal, "get", params.id);
        return answer(200, shown, shown.version);
      }),
      act(create, async ({ body, principal }, tx) => {
        const [instance] = await selectInstances(tx.query, "name = $1", [body.instance]);
        if (instance === undefined) throw notFound("instances", body.instance);
        const scope = scopeOfInstance(instance);
        const verb = body.command.kind;
        requireAccess(principal, { verb, resource: "instances", name: instance.name, scope });
        const { reason, ticket } = tx.context;
        const packaged = body.command.kind === "run" ? packagedRun(body.command) : null;
        if (packaged?.command.changes === true) {
          requireAccess(principal, { verb: "operate", resource: "instances", name: instance.name, scope });
        }
        const isReasonNeeded = verb === "exec" || packaged?.command.changes === true;
        if (isReasonNeeded && reason === null) throw new Failure("act.reason-required", "say why this is run");
        const podUid = instance.observed?.podUid ?? null;
        if (podUid === null) throw new Failure("instance.busy", `${instance.name} has no pod now`);
        if (!agents.isLinked(instance.host)) {
          throw new Failure("session.away", `the agent of host ${instance.host} is not linked to this server`);
        }
        const person = { kind: principal.kind, name: principal.name };
        const own = await selectSessions(tx.query, "person_kind = $1 AND person_name = $2 AND state = 'running'", [
          person.kind,
          person.name,
        ]);
        if (own.length >= mostRunning) {
          throw new Failure("request.rate-limited", `you have ${own.length} sessions that run; end one`);
        }
        const id = randomUUID();
        const { command } = body;
        const session = await insertSession(tx.query, {
          id,
          person,
          instance: instance.name,
          scope,
          host: instance.host,
          command,
          reason,
          ticket,
          server: holder,
        });
        tell(tx, "created", session, { instance: instance.name, command });
        const place = {
          host: instance.host,
          namespace: namespaceOf(instance.business),
          instance: instance.name,
          podUid,
        };
        const { context } = tx;
        tx.afterCommit(() => begin(session, place, context));
        return answer(201, session.shown, session.shown.version);
      }),
      act(end, async ({ params, principal }, tx) => {
        const session = await allowed(tx.query, principal, "delete", params.id);
        const { shown } = session;
        const here = running.get(params.id);
        if (here === undefined && shown.state === "running") {
          throw new Failure("session.elsewhere", `session ${shown.id} runs on ${session.server}`);
        }
        const by = `ended by ${principal.name}${tx.context.reason === null ? "" : `: ${tx.context.reason}`}`;
        recordAudit(tx, {
          resource: {
            kind: sessionKind,
            name: shown.id,
          },
          scope: session.scope,
          before: { state: shown.state },
          after: { end: by },
          outcome: "done",
        });
        tx.afterCommit(() => here?.stop.abort(by));
        return answer(200, shown, shown.version);
      }),
      stream(readRecord, async ({ params, principal, signal }, reply) => {
        const session = await allowed(database.query, principal, "replay", params.id);
        const live = running.get(params.id);
        if (live === undefined && !existsSync(pathOf(session))) {
          throw new Failure("session.elsewhere", `the record of ${session.shown.id} is with ${session.server}`);
        }
        const writer = live === undefined ? null : await live.record;
        reply.hijack();
        const headers = reply.getHeaders() as Record<string, string>;
        reply.raw.writeHead(200, { ...headers, "content-type": "application/x-ndjson; charset=utf-8" });
        reply.raw.flushHeaders();
        const gone = new Promise<void>((resolve) => {
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
        let sent = 0;
        const sendTo = async (bytes: number | undefined): Promise<void> => {
          if (bytes !== undefined && bytes <= sent) return;
          const source = createReadStream(pathOf(session), {
            start: sent,
            ...(bytes === undefined ? {} : { end: bytes - 1 }),
          });
          for await (const part of source) {
            sent += (part as Buffer).length;
            if (reply.raw.destroyed) return;
            if (!reply.raw.write(part)) await drained(reply.raw);
          }
        };
        try {
          if (writer !== null) {
            while (!signal.aborted && !writer.isClosed()) {
              const next = writer.moved();
              await sendTo(writer.durableBytes());
              await Promise.race([next, gone]);
            }
            await sendTo(writer.durableBytes());
          } else await sendTo(undefined);
        } catch (error) {
          log.error({ err: error, session: session.shown.id }, "a record can't be read");
          reply.raw.destroy();
        }
        reply.raw.end();
      }),
    ],
  };
}

function drained(raw: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => {
    raw.once("drain", resolve);
    raw.once("close", resolve);
  });
}
