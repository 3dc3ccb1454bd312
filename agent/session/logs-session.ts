import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { createGunzip } from "node:zlib";
import {
  LinkError,
  mostFrameBytes,
  onStream,
  sessionLogs,
  writeFrame,
  type LinkHandler,
  type LinkRequest,
} from "@wcs/api/agent-link";
import type { ServerCaller } from "../link/server-connection.ts";
import type { SessionHost } from "./exec-session.ts";
import { drained } from "./drained.ts";
import { createLineFilter, parseLogLine, type LogLine } from "./log-line.ts";

type Order = LinkRequest<typeof sessionLogs>;

/** A file of a container's log: of which run of the container, and when it was rotated (empty: it is written now). */
type LogFile = Readonly<{ path: string; run: number; rotated: string }>;

const lookMs = 200;
const longestLine = 60 * 1024;

/** Serves `session.logs`: reads what kubelet keeps, filters at the source, and follows through restarts and rotation. */
export function logsSession({ podLogsFolder }: SessionHost): LinkHandler<ServerCaller> {
  return onStream(sessionLogs, async ({ body, signal }) => {
    const folder = join(podLogsFolder, `${body.namespace}_${body.pod}_${body.podUid}`, body.container);
    const files = await filesOf(folder);
    const last = files.at(-1)?.run;
    if (last === undefined) throw new LinkError("instance.not-here", "this host has no log of the container");
    const run = body.previous ? last - 1 : null;
    const wanted = run === null ? files : files.filter((file) => file.run === run);
    if (wanted.length === 0) {
      throw new LinkError("logs.no-previous", "the log of the container's run before this one is gone");
    }
    return {
      answer: { files: wanted.length },
      run: (stream) => send(stream, { order: body, folder, files: wanted, signal }),
    };
  });
}

/** `N.log` is the log of run N, `N.log.DATE-TIME` (perhaps `.gz`) a rotated part of it (kubelet's pkg/kubelet/logs). In order of time. */
async function filesOf(folder: string): Promise<readonly LogFile[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names
    .flatMap((name): LogFile[] => {
      const [, run, rotated = ""] = /^(\d{1,9})\.log(?:\.(\d{8}-\d{6})(?:\.gz)?)?$/.exec(name) ?? [];
      return run === undefined ? [] : [{ path: join(folder, name), run: Number(run), rotated }];
    })
    .sort((a, b) => a.run - b.run || (a.rotated || "9").localeCompare(b.rotated || "9"));
}

type Sending = Readonly<{ order: Order; folder: string; files: readonly LogFile[]; signal: AbortSignal }>;

async function send(stream: Duplex, { order, folder, files, signal }: Sending): Promise<void> {
  const isWanted = createLineFilter(order);
  const write = async (text: string): Promise<void> => {
    if (stream.destroyed || stream.write(writeFrame("output", Buffer.from(text)))) return;
    await drained(stream);
  };
  let batch = "";
  const put = async (line: LogLine): Promise<void> => {
    const text = `${line.at} ${line.stream} ${line.text}\n`;
    if (batch.length + text.length > mostFrameBytes / 4) await flush();
    batch += text;
  };
  const flush = async (): Promise<void> => {
    const text = batch;
    batch = "";
    if (text !== "") await write(text);
  };

  const kept: LogLine[] = [];
  let position = { path: "", inode: 0n, at: 0 };
  for (const file of files) {
    if (signal.aborted) return;
    position = await readLines(file, 0, async (line) => {
      if (!isWanted(line)) return;
      if (order.lastLines === null) return await put(line);
      kept.push(line);
      // Dropped in steps: taking off the first of many each time would copy them all.
      if (kept.length > 2 * order.lastLines + 1000) kept.splice(0, kept.length - order.lastLines);
    });
  }
  if (order.lastLines !== null) {
    for (const line of order.lastLines === 0 ? [] : kept.slice(-order.lastLines)) await put(line);
  }
  await flush();

  while (order.follow && !signal.aborted && !stream.destroyed) {
    await sleep(lookMs, undefined, { signal }).catch(() => undefined);
    position = await readOn(folder, position, async (line) => {
      if (isWanted(line)) await put(line);
    });
    await flush();
  }
  if (!stream.destroyed) stream.write(writeFrame("exit", Buffer.from(JSON.stringify({ code: 0, reason: null }))));
}

type Position = Readonly<{ path: string; inode: bigint; at: number }>;

/** Reads on from a place: the rest of that file, by whatever name it has now, and then all that came after it. */
async function readOn(folder: string, position: Position, take: (line: LogLine) => Promise<void>): Promise<Position> {
  const files = await filesOf(folder);
  const inodes = await Promise.all(
    files.map(async ({ path }) => (await stat(path, { bigint: true }).catch(() => null))?.ino),
  );
  const here = inodes.indexOf(position.inode);
  let now = position;
  for (const [index, file] of files.entries()) {
    if (here >= 0 && index < here) continue;
    // The file is gone, compressed or removed: what is written now is all that is left to read.
    if (here < 0 && file.rotated !== "") continue;
    now = await readLines(file, index === here ? position.at : 0, take);
  }
  return now;
}

/** Reads whole lines from a place in a file; returns the place after the last whole one. */
async function readLines(file: LogFile, from: number, take: (line: LogLine) => Promise<void>): Promise<Position> {
  const status = await stat(file.path, { bigint: true }).catch(() => null);
  if (status === null) return { path: file.path, inode: 0n, at: 0 };
  const start = from > Number(status.size) ? 0 : from;
  const isPacked = file.path.endsWith(".gz");
  if (!isPacked && start === Number(status.size)) return { path: file.path, inode: status.ino, at: start };
  const raw = createReadStream(file.path, isPacked ? {} : { start });
  const source = isPacked ? raw.pipe(createGunzip()) : raw;
  let at = start;
  let rest: Buffer = Buffer.alloc(0);
  for await (const part of source) {
    let bytes = rest.length === 0 ? (part as Buffer) : Buffer.concat([rest, part as Buffer]);
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
      const line = parseLogLine(bytes.subarray(0, Math.min(end, longestLine)).toString("utf8"));
      at += end + 1;
      bytes = bytes.subarray(end + 1);
      if (line !== null) await take(line);
    }
    rest = bytes;
  }
  return { path: file.path, inode: status.ino, at };
}
