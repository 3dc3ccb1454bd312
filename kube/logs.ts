import type { Readable } from "node:stream";
import type { KubeClient } from "./client.ts";
import { queryString, resourcePath } from "./resource.ts";
import { pods } from "./resources.ts";
import type { CallOptions } from "./send.ts";

export type LogOptions = CallOptions &
  Readonly<{
    namespace: string;
    pod: string;
    container?: string | undefined;
    follow?: boolean | undefined;
    /** The container before its last restart. */
    previous?: boolean | undefined;
    timestamps?: boolean | undefined;
    tailLines?: number | undefined;
    sinceSeconds?: number | undefined;
    sinceTime?: Date | undefined;
    limitBytes?: number | undefined;
  }>;

/** A container's log as bytes, with back-pressure; destroy it to stop following. */
export async function podLogs(client: KubeClient, options: LogOptions): Promise<Readable> {
  const path =
    resourcePath(pods, { namespace: options.namespace, name: options.pod, subresource: "log" }) +
    queryString({
      container: options.container,
      follow: options.follow,
      previous: options.previous,
      timestamps: options.timestamps,
      tailLines: options.tailLines,
      sinceSeconds: options.sinceSeconds,
      sinceTime: options.sinceTime?.toISOString(),
      limitBytes: options.limitBytes,
    });
  return client.stream(path, options);
}
