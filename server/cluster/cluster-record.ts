import type { OperationAnswer } from "@wcs/api";
import type { clusterOperations } from "@wcs/api/cluster";
import type { WatchCache } from "@wcs/kube";
import { troubleOf } from "./cluster-failure.ts";
import type { ClusterLink } from "./cluster-link.ts";
import type { BaselineRow, ConnectionRow } from "./cluster-store.ts";
import { unknownHealth } from "./health-probe.ts";

/** A connection as the API shows it. */
export type ClusterRecord = OperationAnswer<(typeof clusterOperations)[1]>;

const iso = (date: Date | null) => date?.toISOString() ?? null;

function cacheRecord(name: string, cache: WatchCache<unknown>): ClusterRecord["caches"][number] {
  const { phase, lagMs, stale, objects, relists, silences, lastError, failuresInARow } = cache.status();
  const trouble = lastError === null || failuresInARow === 0 ? null : troubleOf(lastError);
  return { name, phase, lagMs, stale, objects, relists, silences, trouble };
}

/** The stored connection with what this server sees of the cluster now. */
export function clusterRecord(
  row: ConnectionRow,
  baseline: BaselineRow | null,
  link: ClusterLink | undefined,
): ClusterRecord {
  const health = link?.health() ?? unknownHealth;
  const nodes = [...(link?.nodes.entries() ?? [])].map(([, node]) => node);
  const pods = [...(link?.pods.entries() ?? [])].map(([, pod]) => pod);
  const notReady = nodes.filter(({ ready }) => !ready);
  return {
    name: row.name,
    version: row.version,
    state: row.state,
    server: row.server,
    kubernetesVersion: row.kubernetes_version,
    clusterUid: row.cluster_uid,
    exemptNamespaces: [...row.exempt_namespaces],
    credentialExpiresAt: row.credential_expires_at.toISOString(),
    createdAt: row.created_at.toISOString(),
    health: {
      ...health,
      since: iso(health.since),
      checkedAt: iso(health.checkedAt),
      components: health.components.map((component) => ({ ...component })),
    },
    nodes: {
      total: nodes.length,
      ready: nodes.length - notReady.length,
      notReady: notReady.slice(0, 100).map(({ name, reason, since }) => ({ name, reason: reason ?? "", since })),
    },
    pods: { total: pods.length, ready: pods.filter(({ ready }) => ready).length },
    caches:
      link === undefined
        ? []
        : (["nodes", "pods", "statefulSets", "namespaces"] as const).map((kind) => cacheRecord(kind, link[kind])),
    baseline: {
      checkedAt: iso(baseline?.checked_at ?? null),
      objects: baseline?.objects ?? 0,
      drifts: (baseline?.drifts ?? []).map(({ at, object, state, differences }) => ({
        at,
        object,
        state,
        differences: differences.map((difference) => ({ ...difference })),
      })),
      trouble: baseline?.trouble ?? null,
    },
  };
}
