import type { KubeClient } from "./client.ts";
import { KubeError } from "./errors.ts";
import type { CallOptions } from "./send.ts";

export type ServerVersion = Readonly<{ major: number; minor: number; gitVersion: string }>;

/** The API server's version (`/version`). */
export async function serverVersion(client: KubeClient, call: CallOptions = {}): Promise<ServerVersion> {
  const raw = await client.json<{ major?: string; minor?: string; gitVersion?: string }>("/version", call);
  // A vendor may write `35+` (EKS does).
  const major = Number.parseInt(raw.major ?? "", 10);
  const minor = Number.parseInt(raw.minor ?? "", 10);
  if (Number.isNaN(major) || Number.isNaN(minor)) {
    throw new KubeError("protocol", `${client.server}/version does not name a version`, {
      advice: "Check that the address is a Kubernetes API server's.",
    });
  }
  return { major, minor, gitVersion: raw.gitVersion ?? `v${major}.${minor}` };
}

export type ServedResource = Readonly<{ name: string; kind: string; namespaced: boolean; verbs: readonly string[] }>;

/** What the server serves under one `group/version` (`v1` for the core group). */
export async function servedResources(
  client: KubeClient,
  groupVersion: string,
  call: CallOptions = {},
): Promise<readonly ServedResource[]> {
  const path = groupVersion.includes("/") ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
  const list = await client.json<{ resources?: ServedResource[] }>(path, call);
  return list.resources ?? [];
}

/** The `group/version`s that the server serves, preferred ones first in each group. */
export async function servedGroupVersions(client: KubeClient, call: CallOptions = {}): Promise<readonly string[]> {
  const [core, groups] = await Promise.all([
    client.json<{ versions?: string[] }>("/api", call),
    client.json<{ groups?: { versions: { groupVersion: string }[] }[] }>("/apis", call),
  ]);
  return [
    ...(core.versions ?? []),
    ...(groups.groups ?? []).flatMap((group) => group.versions.map((version) => version.groupVersion)),
  ];
}

export type ReadinessCheck = Readonly<{ name: string; ok: boolean }>;

/** The API server's own checks (`/readyz?verbose`), etcd among them. A server that is up but not ready is no error. */
export async function readiness(
  client: KubeClient,
  call: CallOptions = {},
): Promise<Readonly<{ ready: boolean; checks: readonly ReadinessCheck[] }>> {
  let body: string;
  let ready = true;
  try {
    body = (await client.text("/readyz?verbose", call)).body;
  } catch (error) {
    if (!(error instanceof KubeError) || error.statusCode !== 500) throw error;
    body = error.body;
    ready = false;
  }
  const checks: ReadinessCheck[] = [];
  for (const [, sign, name] of body.matchAll(/\[([+-])\](\S+)/g)) {
    if (name !== undefined) checks.push({ name, ok: sign === "+" });
  }
  return { ready, checks };
}
