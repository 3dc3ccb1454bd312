import { LinkError, readFrames, sessionExec, sessionLogs, writeFrame, type SessionExit } from "@wcs/api/agent-link";
import { containerName, podName } from "@wcs/core/instance";
import type { AgentCalls } from "../agent-link/link-registry.ts";
import { packagedRun } from "./packaged-run.ts";
import type { RecordWriter } from "./record-writer.ts";
import type { SessionRecord } from "./session-store.ts";

/** Where the session's container is. */
export type SessionPlace = Readonly<{ host: string; namespace: string; instance: string; podUid: string }>;

const openTimeoutMs = 10_000;
const usualSeconds = 300;

/** What a session's program may do without a grant: write to temporary folders, and nothing more than reading besides. */
const usualCage = {
  writable: ["/tmp", "/var/tmp", "/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/pts"],
  capabilities: [] as number[],
  signalsToAll: false,
};

type Running = Readonly<{
  agents: AgentCalls;
  session: SessionRecord["shown"];
  place: SessionPlace;
  record: RecordWriter;
  signal: AbortSignal;
}>;

/**
 * Runs a session to its end: what the host sends goes into the record, and from there to whoever looks. The next frame is taken when the one before is
 * durable, so that a record that can't keep up holds the program back.
 */
export async function runSession({ agents, session, place, record, signal }: Running): Promise<SessionExit> {
  let exit: SessionExit | null = null;
  const { command } = session;
  const mostBytes = command.kind === "run" ? packagedRun(command).command.maxOutputBytes : Infinity;
  let left = mostBytes;
  try {
    const { stream } = await openStream({ agents, session, place, signal });
    stream.on("error", () => undefined);
    if (session.kind !== "logs") stream.write(writeFrame("inputEnd", Buffer.alloc(0)));
    for await (const { type, data } of readFrames(stream)) {
      if (type === "exit") {
        exit = JSON.parse(data.toString("utf8")) as SessionExit;
        break;
      }
      if (type !== "output" && type !== "error") continue;
      left -= data.length;
      if (left < 0) {
        exit = { code: null, reason: `it printed more than ${mostBytes} bytes` };
        break;
      }
      await record.append(type, data.toString("base64"));
    }
    stream.end();
  } catch (error) {
    if (!signal.aborted && !(error instanceof LinkError)) {
      exit = { code: null, reason: `the session failed: ${error instanceof Error ? error.message : String(error)}` };
    } else if (error instanceof LinkError) exit = { code: null, reason: `${error.code}: ${error.message}` };
  }
  if (signal.aborted) exit = { code: null, reason: String(signal.reason) };
  return exit ?? { code: null, reason: "the connection to the host broke" };
}

async function openStream({ agents, session, place, signal }: Omit<Running, "record">) {
  const { host, namespace, instance, podUid } = place;
  const target = { session: session.id, namespace, pod: podName(instance), podUid, container: containerName };
  const { command } = session;
  if (command.kind === "exec") {
    const mostMs = (command.mostSeconds ?? usualSeconds) * 1000;
    const body = { ...target, argv: command.argv, cage: usualCage, mostMs };
    return await agents.open({ host, method: sessionExec, body, timeoutMs: openTimeoutMs, signal });
  }
  if (command.kind === "run") {
    const { argv, command: packaged } = packagedRun(command);
    const body = { ...target, argv: [...argv], cage: usualCage, mostMs: packaged.timeoutMs };
    return await agents.open({ host, method: sessionExec, body, timeoutMs: openTimeoutMs, signal });
  }
  const { follow = false, previous = false, sinceSeconds, lastLines = null, contains = null } = command;
  const sinceMs = sinceSeconds === undefined ? null : Date.parse(session.startedAt) - sinceSeconds * 1000;
  const body = { ...target, follow, previous, sinceMs, lastLines, contains };
  return await agents.open({ host, method: sessionLogs, body, timeoutMs: openTimeoutMs, signal });
}
