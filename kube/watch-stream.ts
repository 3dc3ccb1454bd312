import type { IncomingMessage } from "node:http";
import { KubeError } from "./errors.ts";
import type { KubeClient, Selectors } from "./client.ts";
import { networkError } from "./network-error.ts";
import type { KubeObject } from "./object.ts";
import { queryString, resourcePath, type ResourceType } from "./resource.ts";
import { streamedStatusError } from "./status-error.ts";

export type WatchEvent<T> = Readonly<{ type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; object: T }>;

export type WatchOptions = Selectors &
  Readonly<{
    namespace?: string | undefined;
    /** Events after this one. */
    resourceVersion: string;
    /** The server ends the watch after this time; 2 s before, it sends a bookmark. */
    timeoutMs: number;
    /** Without any line for this long the watch is given up with an error of reason `timed-out`. */
    silenceMs: number;
    signal: AbortSignal;
  }>;

/** An etcd value is at most 1.5 MiB; its JSON is some times larger. */
const maxLineBytes = 16 * 1024 * 1024;

/**
 * The events of one watch, until the server ends it (the generator returns) or it fails (it throws KubeError; `expired`
 * means: list again). Bookmarks are passed on: they are how a quiet watch proves that it lives.
 */
export async function* watchEvents<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>> {
  const path =
    resourcePath(type, { namespace: options.namespace }) +
    queryString({
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: options.resourceVersion,
      timeoutSeconds: Math.ceil(options.timeoutMs / 1000),
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
    });
  // What everything is decided by does not wait behind what is done.
  const response = await client.stream(path, {
    signal: options.signal,
    timeoutMs: options.silenceMs,
    priority: "high",
  });
  try {
    for await (const line of linesOf(response, options.silenceMs, client.server)) {
      yield parseEvent(line, path) as WatchEvent<T>;
    }
  } finally {
    response.destroy();
  }
}

function parseEvent(line: string, path: string): WatchEvent<KubeObject> {
  let event: { type: string; object: KubeObject };
  try {
    event = JSON.parse(line) as { type: string; object: KubeObject };
  } catch (error) {
    throw new KubeError("protocol", `a line of the watch ${path} is not JSON`, { cause: error });
  }
  switch (event.type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
    case "BOOKMARK":
      return { type: event.type, object: event.object };
    case "ERROR":
      throw streamedStatusError(event.object, `watch ${path}`);
    default:
      throw new KubeError("protocol", `the watch ${path} sent an event of unknown type "${event.type}"`);
  }
}

/** The lines of a body; fails when it is silent for `silenceMs` or a line is too long. */
async function* linesOf(response: IncomingMessage, silenceMs: number, server: string): AsyncGenerator<string> {
  const onSilence = () =>
    response.destroy(
      new KubeError("timed-out", `the watch at ${server} was silent for ${silenceMs} ms`, {
        advice: "The API server is stopped or the connection is dead; a new watch is opened.",
      }),
    );
  let timer = setTimeout(onSilence, silenceMs);
  let parts: Buffer[] = [];
  let partBytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      clearTimeout(timer);
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        parts.push(chunk.subarray(start, end));
        const line = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
        parts = [];
        partBytes = 0;
        start = end + 1;
        if (line.length > 0) yield line.toString("utf8");
      }
      if (start < chunk.length) {
        parts.push(chunk.subarray(start));
        partBytes += chunk.length - start;
        if (partBytes > maxLineBytes) {
          throw new KubeError("too-large", `an event of the watch at ${server} is larger than ${maxLineBytes} bytes`);
        }
      }
      timer = setTimeout(onSilence, silenceMs);
    }
  } catch (error) {
    throw networkError(error, server, true);
  } finally {
    clearTimeout(timer);
  }
}
