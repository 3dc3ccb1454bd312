import { once } from "node:events";
import { isDeepStrictEqual } from "node:util";
import {
  businessLabel,
  describeObject,
  identityObjects,
  isOwnNamespace,
  keptObjects,
  namespaceOf,
  type BusinessQuota,
} from "@wcs/core/cluster";
import { createKubeClient, isKubeError, namespaces, type KubeClient } from "@wcs/kube";
import type { Scope } from "@wcs/core/access-rights";
import { recordAudit } from "../audit/record-audit.ts";
import type { Query } from "../database/database.ts";
import { transaction, type ActContext } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import { nowhere } from "../access/nowhere.ts";
import type { Platform } from "../program/platform.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import { troubleOf } from "./cluster-failure.ts";
import { connectionKind, type ClusterLinks } from "./cluster-links.ts";
import {
  deleteConnection,
  findConnection,
  listConnections,
  saveBaseline,
  updateConnection,
  type ConnectionRow,
  type Drift,
  type Trouble,
} from "./cluster-store.ts";
import { readCredential, removeCredentials, storeCredentials } from "./credentials.ts";
import { isDueForRenewal, requestToken } from "./identity-token.ts";
import { mendObject } from "./mend-object.ts";
import { userAgent } from "./register-cluster.ts";
import { removeBaseline } from "./remove-baseline.ts";

/** What the estate says of clusters. */
export type ClusterEstate = Readonly<{
  /** What a cluster belongs to; null when the estate has none of the name. */
  scopeOf: (query: Query, cluster: string) => Promise<Scope | null>;
  /** Whether every act on the environment names its change ticket. */
  needsTicket: (query: Query, environment: string) => Promise<boolean>;
  /** What each business may use in a cluster at most, over all pools with hosts there. */
  quotasOf: (query: Query, cluster: string) => Promise<readonly BusinessQuota[]>;
}>;

const context: ActContext = {
  actor: { kind: "System", name: "cluster-baseline", tokenId: null },
  from: "server",
  requestId: "",
  act: "cluster-baseline",
  reason: null,
  ticket: null,
};

/** Changes of these kinds can change what a cluster's baseline should be. */
const estateKinds: ReadonlySet<string> = new Set(["Business", "Pool", "Host", "Cluster"]);

/** Keeps the baseline of every cluster: what is missing or changed is put right and told; credentials are renewed; removed clusters are cleaned. */
export function baselineReconciler(platform: Platform, estate: ClusterEstate, links: ClusterLinks): Reconciler {
  const { database, secrets, log } = platform;
  const scopeOf = async (query: Query, { name }: ConnectionRow) => (await estate.scopeOf(query, name)) ?? nowhere;
  let known: readonly string[] = [];

  async function keeperClient(name: string): Promise<KubeClient> {
    const access = await readCredential({ secrets, query: database.query, cluster: name }, "keeper");
    if (access === null) throw new Error(`the keeper of cluster ${name} has no credential`);
    return createKubeClient({ access, userAgent, maxAttempts: 2, callsPerSecond: 20, burst: 40 });
  }

  /** Puts right what differs. Tells whether a ServiceAccount had to be made anew. */
  async function keep(row: ConnectionRow, client: KubeClient, signal: AbortSignal): Promise<boolean> {
    const quotas = await withFormerBusinesses(client, await estate.quotasOf(database.query, row.name), signal);
    const objects = [...identityObjects(), ...keptObjects({ quotas, exemptNamespaces: row.exempt_namespaces })];
    const drifts: Drift[] = [];
    let trouble = nameTrouble(quotas);
    let isNewAccount = false;
    for (const object of objects) {
      try {
        const result = await mendObject(client, object, { signal });
        if (result.state === "same") continue;
        isNewAccount ||= object.kind === "ServiceAccount" && result.state === "created";
        const at = new Date().toISOString();
        drifts.push({
          at,
          object: describeObject(object),
          state: result.state,
          differences: result.differences.slice(0, 20).map(({ path, from, to }) => ({
            path,
            was: shown(from),
            shouldBe: shown(to),
          })),
        });
      } catch (error) {
        if (!isKubeError(error)) throw error;
        // What one object can't be is told, and the others are still looked at; a cluster that is away ends the round.
        trouble = { ...troubleOf(error), message: `${describeObject(object)}: ${error.message}` };
        if (!isKubeError(error, "forbidden", "invalid", "bad-request", "conflict")) break;
      }
    }
    const found = { objects: objects.length, drifts, trouble };
    if (drifts.length === 0) await saveBaseline(database.query, row.name, found);
    else {
      log.warn(
        { cluster: row.name, drifts: drifts.map(({ object }) => object) },
        "the baseline differed and is mended",
      );
      await transaction(database, { context }, async (tx) => {
        await saveBaseline(tx.query, row.name, found);
        recordAudit(tx, {
          resource: { kind: connectionKind, name: row.name },
          scope: await scopeOf(tx.query, row),
          before: null,
          after: { mended: drifts },
          outcome: "done",
        });
      });
    }
    return isNewAccount;
  }

  async function renew(row: ConnectionRow, client: KubeClient): Promise<void> {
    const issuedAt = new Date();
    const tokens = { platform: await requestToken(client, "platform"), keeper: await requestToken(client, "keeper") };
    await transaction(database, { context }, async (tx) => {
      const at = { secrets, query: tx.query, cluster: row.name };
      const access = await readCredential(at, "keeper");
      if (access === null || (await findConnection(tx.query, row.name, true)) === null) return;
      const { credential: _old, ...rest } = access;
      await storeCredentials(at, rest, tokens);
      const expiresAt = new Date(Math.min(tokens.platform.expiresAt.getTime(), tokens.keeper.expiresAt.getTime()));
      const renewed = await updateConnection(tx.query, row.name, { issuedAt, expiresAt });
      recordEvent(tx, {
        change: "updated",
        kind: connectionKind,
        name: row.name,
        version: renewed.version,
        scope: await scopeOf(tx.query, row),
        record: { name: row.name, state: renewed.state, credentialExpiresAt: expiresAt.toISOString() },
      });
    });
  }

  async function clean(row: ConnectionRow, client: KubeClient, signal: AbortSignal): Promise<void> {
    try {
      await removeBaseline(client, signal);
    } catch (error) {
      // The keeper's own rights go last: without them it has done all that it can, now or in a round that was cut short.
      if (!isKubeError(error, "forbidden", "unauthenticated")) throw error;
      log.warn({ cluster: row.name, trouble: error.message }, "the keeper has no rights left in a removed cluster");
    }
  }

  async function forget(row: ConnectionRow): Promise<void> {
    await transaction(database, { context }, async (tx) => {
      await removeCredentials({ secrets, query: tx.query, cluster: row.name });
      await deleteConnection(tx.query, row.name);
      recordAudit(tx, {
        resource: { kind: connectionKind, name: row.name },
        scope: await scopeOf(tx.query, row),
        before: { name: row.name, server: row.server },
        after: null,
        outcome: "done",
      });
      recordEvent(tx, {
        change: "deleted",
        kind: connectionKind,
        name: row.name,
        version: row.version + 1,
        scope: await scopeOf(tx.query, row),
        record: { name: row.name, state: row.state },
      });
    });
  }

  return {
    name: "cluster-baseline",
    keys: async () => {
      known = (await listConnections(database.query)).map(({ name }) => name);
      return known;
    },
    keysOf: ({ kind, name, change }) =>
      kind === connectionKind && change !== "deleted" ? [name] : estateKinds.has(kind) ? known : [],
    follow: async (add, signal) => {
      // A namespace of a business that is gone, or whose labels were changed, is not left so until the next round.
      const stop = links.listen({
        onNamespace: (cluster, { key, before, after }) => {
          if (!isOwnNamespace(key) || before === undefined) return;
          if (after === undefined || !isDeepStrictEqual(before.labels, after.labels)) add([cluster]);
        },
      });
      if (!signal.aborted) await once(signal, "abort");
      stop();
    },
    reconcile: async (key, signal) => {
      const row = await findConnection(database.query, key);
      if (row === null) return;
      const client = await keeperClient(key);
      try {
        if (row.state === "removing") {
          await clean(row, client, signal);
          await forget(row);
          return;
        }
        const isDue = isDueForRenewal(row.credential_issued_at, row.credential_expires_at, Date.now());
        if (isDue) await renew(row, client);
        // Tokens end with their ServiceAccount: one that was made anew needs new ones.
        if (await keep(row, client, signal)) await renew(row, client);
      } catch (error) {
        if (isKubeError(error)) {
          await saveBaseline(database.query, key, { objects: 0, drifts: [], trouble: troubleOf(error) });
        }
        throw error;
      } finally {
        client.close();
      }
    },
    resyncMs: platform.config.baselineIntervalMs,
    workers: 8,
  };
}

/** A namespace's name has 63 characters at most, and a business's may have as many. */
function nameTrouble(quotas: readonly BusinessQuota[]): Trouble | null {
  const long = quotas.filter(({ business }) => namespaceOf(business) === null).map(({ business }) => business);
  if (long.length === 0) return null;
  return {
    reason: "invalid",
    message: `no namespace can be named after the business ${long.join(", ")}: its name is too long`,
    advice: "Name it anew with at most 59 characters.",
  };
}

/** A business that lost its last quota keeps its namespace, with a quota of nothing: what runs there is not WCS's to delete unasked. */
async function withFormerBusinesses(
  client: KubeClient,
  quotas: readonly BusinessQuota[],
  signal: AbortSignal,
): Promise<readonly BusinessQuota[]> {
  const { items } = await client.list(namespaces, { labelSelector: businessLabel, signal, timeoutMs: 10_000 });
  const former = items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.labels?.[businessLabel] ?? "")
    .filter((business) => !quotas.some((quota) => quota.business === business));
  return [...quotas, ...former.map((business) => ({ business, cpuMilli: 0, memoryMiB: 0 }))];
}

function shown(value: unknown): string {
  return (value === undefined ? "(absent)" : typeof value === "string" ? value : JSON.stringify(value)).slice(0, 500);
}
