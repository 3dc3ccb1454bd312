import { setTimeout as sleep } from "node:timers/promises";
import {
  clockSkewMs,
  identityObjects,
  keptObjects,
  longestSkewMs,
  ownNamespace,
  registrationRights,
  versionProblem,
  type BaselineInput,
  type BaselineObject,
} from "@wcs/core/cluster";
import {
  createKubeClient,
  isKubeError,
  mayDo,
  namespaces,
  parseKubeconfig,
  serverVersion,
  type ClusterAccess,
  type KubeClient,
} from "@wcs/kube";
import type { ProblemDetail } from "@wcs/api";
import { Failure } from "../http/failure.ts";
import { baselineType } from "./baseline-types.ts";
import { requestToken, type IdentityToken } from "./identity-token.ts";
import { mendObject } from "./mend-object.ts";

/** What a registration learns of a cluster. */
export type ClusterVersionFacts = Readonly<{ server: string; kubernetesVersion: string; clusterUid: string }>;

/** A cluster that was checked and holds WCS's identities and baseline. */
export type RegisteredCluster = ClusterVersionFacts &
  Readonly<{
    access: Omit<ClusterAccess, "credential">;
    platform: IdentityToken;
    keeper: IdentityToken;
    issuedAt: Date;
  }>;

export type RegistrationOrder = Readonly<{
  kubeconfig: string;
  context: string | undefined;
  baseline: BaselineInput;
  /** Throws when the cluster may not be registered: it is known under another name. */
  checkUid: (clusterUid: string) => Promise<void>;
  dryRun: boolean;
  signal: AbortSignal;
}>;

/** How WCS names itself to API servers. */
export const userAgent = "wcs-server";

/**
 * Checks a cluster and gives WCS its identities and baseline there. With `dryRun` it only checks, and returns null. The kubeconfig is used here and
 * nowhere else. When something fails on the way, what this call made is taken away again. Throws KubeconfigError, KubeError and Failure.
 */
export async function registerCluster(order: RegistrationOrder): Promise<RegisteredCluster | null> {
  const access = parseKubeconfig(order.kubeconfig, order.context === undefined ? {} : { context: order.context });
  const admin = createKubeClient({ access, userAgent, maxAttempts: 2 });
  try {
    const facts = await checkCluster(admin, order.signal);
    await order.checkUid(facts.clusterUid);
    if (order.dryRun) return null;
    return await install(admin, access, facts, order);
  } finally {
    admin.close();
  }
}

/** Reachable, of a supported version, with a sane clock, and allowed what the registration does. */
async function checkCluster(client: KubeClient, signal: AbortSignal): Promise<ClusterVersionFacts> {
  const call = { signal, timeoutMs: 10_000 };
  const version = await serverVersion(client, call);
  const askedAtMs = Date.now();
  const { date } = await client.text("/version", call);
  const skewMs = date === null ? null : clockSkewMs(date, askedAtMs, Date.now());
  const errors: ProblemDetail[] = [];
  const versionText = versionProblem(version);
  if (versionText !== null) errors.push({ code: "version", message: versionText });
  if (skewMs !== null && Math.abs(skewMs) > longestSkewMs) {
    const direction = skewMs > 0 ? "ahead of" : "behind";
    errors.push({
      code: "clock",
      message: `the cluster's clock is ${Math.round(Math.abs(skewMs) / 1000)} s ${direction} this server's; at most ${longestSkewMs / 1000} s are allowed: set both by NTP`,
    });
  }
  if (errors.length > 0) {
    const detail = errors.map(({ message }) => message).join("; ");
    throw new Failure("cluster.unsupported", detail, { errors });
  }
  const answers = await Promise.all(
    registrationRights.map(async (right) => ({ right, allowed: await mayDo(client, right, call) })),
  );
  const missing = answers.filter(({ allowed }) => !allowed).map(({ right }) => right);
  if (missing.length > 0) {
    throw new Failure("cluster.not-allowed", "the kubeconfig's user may not do what the registration needs", {
      errors: missing.map(({ verb, group, resource, namespace }) => ({
        code: "right",
        message: `${verb} ${resource}${group === "" ? "" : `.${group}`}${namespace === undefined ? "" : ` in namespace ${namespace}`}`,
      })),
    });
  }
  await waitForOldNamespace(client, signal);
  const system = await client.get(namespaces, { name: "kube-system", ...call });
  return {
    server: client.server,
    kubernetesVersion: version.gitVersion,
    clusterUid: system.metadata.uid ?? "",
  };
}

/** A cluster that was removed a moment ago still deletes WCS's namespace. */
async function waitForOldNamespace(client: KubeClient, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + 20_000;
  for (;;) {
    const namespace = await client.find(namespaces, { name: ownNamespace, signal, timeoutMs: 10_000 });
    if (namespace?.metadata.deletionTimestamp === undefined) return;
    if (performance.now() > endMs) {
      const message = `the cluster still deletes the namespace ${ownNamespace} of an earlier registration: see what holds it, and repeat`;
      throw new Failure("cluster.unsupported", message, { errors: [{ code: "namespace", message }] });
    }
    await sleep(500, undefined, { signal });
  }
}

async function install(
  admin: KubeClient,
  access: ClusterAccess,
  facts: ClusterVersionFacts,
  { baseline, signal }: RegistrationOrder,
): Promise<RegisteredCluster> {
  const made: { client: KubeClient; object: BaselineObject }[] = [];
  let keeperClient: KubeClient | null = null;
  const put = async (client: KubeClient, objects: readonly BaselineObject[]) => {
    for (const object of objects) {
      const result = await retryForbidden(() => mendObject(client, object, { signal }), signal);
      if (result.state === "created") made.push({ client, object });
    }
  };
  try {
    await put(admin, identityObjects());
    const issuedAt = new Date();
    const keeper = await requestToken(admin, "keeper");
    const platform = await requestToken(admin, "platform");
    const { credential: _admin, ...rest } = access;
    keeperClient = createKubeClient({
      access: { ...rest, credential: { kind: "token", token: keeper.token } },
      userAgent,
      maxAttempts: 2,
    });
    await put(keeperClient, keptObjects(baseline));
    return { ...facts, access: rest, platform, keeper, issuedAt };
  } catch (error) {
    await takeAway(made);
    throw error;
  } finally {
    keeperClient?.close();
  }
}

/** The API server learns of new rights and tokens by its own watches, some tenths of a second later. */
async function retryForbidden<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const endMs = performance.now() + 10_000;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isKubeError(error, "forbidden", "unauthenticated") || performance.now() > endMs) throw error;
      await sleep(200, undefined, { signal });
    }
  }
}

/** Removes what a failed registration made, the newest first. What can't be removed does no harm, and a later registration takes it over. */
async function takeAway(made: readonly { client: KubeClient; object: BaselineObject }[]): Promise<void> {
  for (const { client, object } of made.toReversed()) {
    const { name, namespace } = object.metadata;
    try {
      await client.delete(baselineType(object), { name, namespace, timeoutMs: 5_000 });
    } catch (error) {
      if (!isKubeError(error)) throw error;
      if (isKubeError(error, "unreachable", "timed-out")) return;
    }
  }
}
