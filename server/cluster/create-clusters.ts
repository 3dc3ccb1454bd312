import { clusterOperations } from "@wcs/api/cluster";
import type { Scope } from "@wcs/core/access-rights";
import { reaches } from "@wcs/core/access-rights";
import { createKubeClient, isKubeError } from "@wcs/kube";
import { nowhere } from "../access/nowhere.ts";
import { notFound, principalReach, requireAccess, type Principal } from "../access/principal.ts";
import { recordAudit } from "../audit/record-audit.ts";
import type { Query } from "../database/database.ts";
import type { Transaction } from "../database/transaction.ts";
import { recordEvent } from "../events/record-event.ts";
import { Failure } from "../http/failure.ts";
import { decodePageCursor, encodePageCursor } from "../http/page-cursor.ts";
import { act, answer, read } from "../http/route.ts";
import type { Feature, Platform } from "../program/platform.ts";
import { clusterFailure } from "./cluster-failure.ts";
import { connectionKind, type ClusterLinks } from "./cluster-links.ts";
import { registerClusterMetrics } from "./cluster-metrics.ts";
import { clusterRecord } from "./cluster-record.ts";
import {
  deleteConnection,
  findBaseline,
  findConnection,
  insertConnection,
  listConnections,
  nameOfCluster,
  updateConnection,
  type ConnectionRow,
} from "./cluster-store.ts";
import { readCredential, removeCredentials, storeCredentials } from "./credentials.ts";
import { baselineReconciler, type ClusterEstate } from "./keep-baseline.ts";
import { registerCluster, userAgent, type RegisteredCluster } from "./register-cluster.ts";
import { podsInTheWay } from "./remove-baseline.ts";

const [list, get, create, repair, remove] = clusterOperations;

/** `/api/v1/cluster-connections`: the clusters that WCS works with, their baseline and their health. */
export function createClusters(
  platform: Platform,
  { estate, links }: Readonly<{ estate: ClusterEstate; links: ClusterLinks }>,
): Feature {
  const { database, secrets } = platform;
  registerClusterMetrics(platform.metrics, links);

  const scopeOf = async (query: Query, name: string): Promise<Scope> => (await estate.scopeOf(query, name)) ?? nowhere;
  const recordOf = async (query: Query, row: ConnectionRow) =>
    clusterRecord(row, await findBaseline(query, row.name), links.get(row.name));
  const allowed = async (principal: Principal, verb: string, name: string): Promise<Scope> => {
    const scope = await scopeOf(database.query, name);
    requireAccess(principal, { verb, resource: "clusterconnections", name, scope });
    return scope;
  };
  /** What must hold before an act touches a cluster. */
  const mayAct = async (principal: Principal, verb: string, act: Readonly<{ name: string; ticket: string | null }>) => {
    const { environment } = await allowed(principal, verb, act.name);
    if (act.ticket !== null || environment === null || !(await estate.needsTicket(database.query, environment))) return;
    throw new Failure(
      "act.ticket-required",
      `cluster ${act.name} is of environment ${environment}, whose acts need a ticket`,
    );
  };
  const tell = (tx: Transaction, change: "created" | "updated", scope: Scope, row: ConnectionRow, before: unknown) => {
    const facts = factsOf(row);
    recordEvent(tx, { change, kind: connectionKind, name: row.name, version: row.version, scope, record: facts });
    recordAudit(tx, {
      resource: { kind: connectionKind, name: row.name },
      scope,
      before,
      after: facts,
      outcome: "done",
    });
  };
  const checkUid = (name: string) => async (clusterUid: string) => {
    const other = await nameOfCluster(database.query, clusterUid);
    if (other === null || other === name) return;
    throw new Failure("resource.exists", `this is the cluster that is registered as ${other}`);
  };
  const register = async (
    name: string,
    order: Readonly<{ kubeconfig: string; context?: string; exemptNamespaces: readonly string[] }>,
    call: Readonly<{ dryRun: boolean; signal: AbortSignal }>,
  ): Promise<RegisteredCluster | null> => {
    const quotas = await estate.quotasOf(database.query, name);
    try {
      return await registerCluster({
        kubeconfig: order.kubeconfig,
        context: order.context,
        baseline: { quotas, exemptNamespaces: order.exemptNamespaces },
        checkUid: checkUid(name),
        ...call,
      });
    } catch (error) {
      throw clusterFailure(error);
    }
  };
  const expiresAt = ({ platform, keeper }: RegisteredCluster) =>
    new Date(Math.min(platform.expiresAt.getTime(), keeper.expiresAt.getTime()));

  return {
    run: links.run,
    reconcilers: [baselineReconciler(platform, estate, links)],
    routes: [
      read(list, async ({ query, principal }) => {
        const limit = query.limit ?? 100;
        const [after] = query.cursor === undefined ? [""] : decodePageCursor(query.cursor, ["string"]);
        const reach = principalReach(principal, "list", "clusterconnections");
        const items: Awaited<ReturnType<typeof recordOf>>[] = [];
        let last: string | null = null;
        for (const row of await listConnections(database.query, after)) {
          if (!reaches(reach, await scopeOf(database.query, row.name))) continue;
          if (items.length === limit) return answer(200, { items, next: encodePageCursor([last ?? ""]) });
          items.push(await recordOf(database.query, row));
          last = row.name;
        }
        return answer(200, { items, next: null });
      }),
      read(get, async ({ params, principal }) => {
        await allowed(principal, "get", params.name);
        const row = await findConnection(database.query, params.name);
        if (row === null) throw notFound("clusterconnections", params.name);
        return answer(200, await recordOf(database.query, row), row.version);
      }),
      act(
        create,
        async ({ body, principal, query }, tx, registered: RegisteredCluster | null) => {
          const scope = await scopeOf(tx.query, body.name);
          requireAccess(principal, { verb: "create", resource: "clusterconnections", name: body.name, scope });
          const row =
            registered === null
              ? null
              : await insertConnection(tx.query, body.name, {
                  ...registered,
                  exemptNamespaces: body.exemptNamespaces ?? [],
                  expiresAt: expiresAt(registered),
                });
          if (registered === null || row === null) {
            if (query.dryRun === true) return answer(201, dryRecord(tx, body.name, scope, body.exemptNamespaces ?? []));
            throw new Failure("resource.exists", `cluster ${body.name} was registered meanwhile`);
          }
          await storeCredentials({ secrets, query: tx.query, cluster: body.name }, registered.access, registered);
          tell(tx, "created", scope, row, null);
          return answer(201, await recordOf(tx.query, row), row.version);
        },
        async ({ body, principal, query, ticket, signal }) => {
          await mayAct(principal, "create", { name: body.name, ticket });
          if ((await estate.scopeOf(database.query, body.name)) === null) {
            throw new Failure(
              "resource.not-found",
              `the estate has no cluster ${body.name}: apply a Cluster document first`,
            );
          }
          if ((await findConnection(database.query, body.name)) !== null) {
            throw new Failure("resource.exists", `cluster ${body.name} is registered already: repair or remove it`);
          }
          const order = { ...body, exemptNamespaces: body.exemptNamespaces ?? [] };
          return register(body.name, order, { dryRun: query.dryRun === true, signal });
        },
      ),
      act(
        repair,
        async ({ params, principal }, tx, registered: RegisteredCluster | null) => {
          const scope = await scopeOf(tx.query, params.name);
          requireAccess(principal, { verb: "update", resource: "clusterconnections", name: params.name, scope });
          const before = await findConnection(tx.query, params.name, true);
          if (before === null) throw notFound("clusterconnections", params.name);
          if (registered === null) {
            tell(tx, "updated", scope, before, factsOf(before));
            return answer(200, await recordOf(tx.query, before), before.version);
          }
          const row = await updateConnection(tx.query, params.name, {
            server: registered.server,
            kubernetesVersion: registered.kubernetesVersion,
            clusterUid: registered.clusterUid,
            issuedAt: registered.issuedAt,
            expiresAt: expiresAt(registered),
          });
          await storeCredentials({ secrets, query: tx.query, cluster: params.name }, registered.access, registered);
          tell(tx, "updated", scope, row, factsOf(before));
          return answer(200, await recordOf(tx.query, row), row.version);
        },
        async ({ params, body, principal, query, ticket, signal }) => {
          await mayAct(principal, "update", { name: params.name, ticket });
          const row = await findConnection(database.query, params.name);
          if (row === null) throw notFound("clusterconnections", params.name);
          const order = { ...body, exemptNamespaces: row.exempt_namespaces };
          return register(params.name, order, { dryRun: query.dryRun === true, signal });
        },
      ),
      act(
        remove,
        async ({ params, principal, query }, tx) => {
          const scope = await scopeOf(tx.query, params.name);
          requireAccess(principal, { verb: "delete", resource: "clusterconnections", name: params.name, scope });
          const before = await findConnection(tx.query, params.name, true);
          if (before === null) throw notFound("clusterconnections", params.name);
          const row = await updateConnection(tx.query, params.name, { state: "removing" });
          tell(tx, "updated", scope, row, factsOf(before));
          const record = await recordOf(tx.query, row);
          if (query.force === true) {
            await removeCredentials({ secrets, query: tx.query, cluster: params.name });
            await deleteConnection(tx.query, params.name);
          }
          return answer(202, record);
        },
        async ({ params, principal, query, ticket, signal }) => {
          await mayAct(principal, "delete", { name: params.name, ticket });
          if (query.force !== true) await requireEmpty(params.name, signal);
          return undefined;
        },
      ),
    ],
  };

  /** Throws unless the cluster says that nothing runs in the namespaces that would be deleted. */
  async function requireEmpty(name: string, signal: AbortSignal): Promise<void> {
    const access = await readCredential({ secrets, query: database.query, cluster: name }, "platform");
    if (access === null) return;
    const client = createKubeClient({ access, userAgent, maxAttempts: 2 });
    try {
      const inTheWay = await podsInTheWay(client, 20, signal);
      if (inTheWay.length === 0) return;
      throw new Failure("resource.referenced", `pods run in the businesses' namespaces of ${name}`, {
        errors: inTheWay.map((pod) => ({ kind: "Pod", name: pod, message: "it would be deleted" })),
      });
    } catch (error) {
      if (!isKubeError(error)) throw error;
      throw new Failure(
        "cluster.unreachable",
        `nobody can say whether something still runs there: ${error.message}. ${error.advice} If it is gone for good, force it`,
        { cause: error },
      );
    } finally {
      client.close();
    }
  }

  /** What a dry run answers: the checks passed, and nothing is there. */
  function dryRecord(tx: Transaction, name: string, scope: Scope, exemptNamespaces: readonly string[]) {
    const now = new Date();
    const row: ConnectionRow = {
      name,
      version: 0,
      state: "active",
      server: "",
      kubernetes_version: "",
      cluster_uid: "",
      exempt_namespaces: [...exemptNamespaces],
      credential_issued_at: now,
      credential_expires_at: now,
      created_at: now,
    };
    recordAudit(tx, {
      resource: { kind: connectionKind, name },
      scope,
      before: null,
      after: factsOf(row),
      outcome: "done",
    });
    return clusterRecord(row, null, undefined);
  }
}

/** A connection in events and in the audit: no credential, and nothing that changes by itself. */
function factsOf(row: ConnectionRow) {
  return {
    name: row.name,
    state: row.state,
    server: row.server,
    kubernetesVersion: row.kubernetes_version,
    clusterUid: row.cluster_uid,
    exemptNamespaces: row.exempt_namespaces,
    credentialExpiresAt: row.credential_expires_at.toISOString(),
  };
}
