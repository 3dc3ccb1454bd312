import { watchOperations } from "@wcs/api/watch";
import { reaches } from "@wcs/core/access-rights";
import type { FastifyReply } from "fastify";
import { principalReach } from "../access/principal.ts";
import { resourceOfKind } from "../access/resource-of-kind.ts";
import { Failure } from "../http/failure.ts";
import { stream } from "../http/route.ts";
import type { Feature, Platform } from "../program/platform.ts";
import { formatCursor, isCursorGood, logEnd, parseCursor, type LoggedChange, type WatchCursor } from "./watch-log.ts";

const [watch] = watchOperations;

/** A comment so often that a proxy or a client can tell a silent stream from a dead one; it also carries the cursor on. */
const heartbeatMs = 15_000;
const mostStreams = 500;

/** `GET /api/v1/watch`. */
export function createWatch(platform: Platform): Feature {
  const { database, logReader } = platform;
  let streams = 0;
  platform.metrics.gauge("wcs_watch_streams", "Open watch streams", () => streams);

  const startOf = async (text: string | undefined): Promise<WatchCursor> => {
    if (text === undefined) return await logEnd(database.query);
    const cursor = parseCursor(text);
    if (cursor === null) throw new Failure("request.cursor-invalid", "the cursor is not one that a watch gave");
    if (await isCursorGood(database.query, cursor)) return cursor;
    throw new Failure(
      "watch.cursor-expired",
      "changes after this cursor are no longer kept: list again, then watch anew",
    );
  };

  return {
    routes: [
      stream(watch, async (request, reply) => {
        const { query, principal, signal } = request;
        const resumed = reply.request.headers["last-event-id"];
        const start = await startOf(typeof resumed === "string" ? resumed : query.cursor);
        if (streams >= mostStreams) throw new Failure("server.busy", `${mostStreams} watch streams are open already`);
        streams += 1;
        try {
          const kinds = query.kinds === undefined ? null : new Set(query.kinds.split(","));
          const isWanted = (change: LoggedChange): boolean =>
            (kinds === null || kinds.has(change.kind)) &&
            (query.name === undefined || query.name === change.name) &&
            reaches(principalReach(principal, "get", resourceOfKind(change.kind)), change.scope);
          await sendChanges({ reply, changes: logReader.follow(start, signal), start, isWanted, signal });
        } finally {
          streams -= 1;
        }
      }),
    ],
  };
}

type Sending = Readonly<{
  reply: FastifyReply;
  changes: AsyncIterable<readonly LoggedChange[]>;
  start: WatchCursor;
  isWanted: (change: LoggedChange) => boolean;
  signal: AbortSignal;
}>;

async function sendChanges({ reply, changes, start, isWanted, signal }: Sending): Promise<void> {
  reply.hijack();
  const { raw } = reply;
  const headers = reply.getHeaders() as Record<string, string>;
  raw.writeHead(200, { ...headers, "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" });
  let place = start;
  const write = async (text: string): Promise<void> => {
    if (raw.write(text) || raw.destroyed) return;
    // A slow reader holds up its own stream only; nothing piles up in memory.
    const drained = Promise.withResolvers<void>();
    raw.once("drain", drained.resolve);
    raw.once("close", drained.resolve);
    await drained.promise;
  };
  await write(`event: begin\nid: ${formatCursor(place)}\ndata: {}\n\n`);
  const heartbeat = setInterval(() => {
    if (raw.writableLength === 0) raw.write(`id: ${formatCursor(place)}\n: still here\n\n`);
  }, heartbeatMs);
  try {
    for await (const batch of changes) {
      for (const change of batch) {
        const { cursor, at, kind, name, version, record } = change;
        if (isWanted(change)) {
          const data = JSON.stringify({ kind, name, version, at, record });
          await write(`event: ${change.change}\nid: ${formatCursor(cursor)}\ndata: ${data}\n\n`);
        }
        place = cursor;
        if (signal.aborted) break;
      }
      if (signal.aborted) break;
    }
  } finally {
    clearInterval(heartbeat);
    raw.end();
  }
}
