import type { ClusterVersionFacts } from "./register-cluster.ts";
import type { Query, Row } from "../database/database.ts";

/** A row of cluster_connections. */
export type ConnectionRow = Row &
  Readonly<{
    name: string;
    version: number;
    state: "active" | "removing";
    server: string;
    kubernetes_version: string;
    cluster_uid: string;
    exempt_namespaces: string[];
    credential_issued_at: Date;
    credential_expires_at: Date;
    created_at: Date;
  }>;

/** Something that keeps a cluster from being used, as it is stored and shown. */
export type Trouble = Readonly<{ reason: string; message: string; advice: string }>;

/** One thing that was found changed and put right. */
export type Drift = Readonly<{
  at: string;
  object: string;
  state: "created" | "mended";
  differences: readonly Readonly<{ path: string; was: string; shouldBe: string }>[];
}>;

/** A row of cluster_baselines. */
export type BaselineRow = Row &
  Readonly<{ name: string; checked_at: Date; objects: number; drifts: Drift[]; trouble: Trouble | null }>;

const columns =
  "name, version, state, server, kubernetes_version, cluster_uid, exempt_namespaces, credential_issued_at, credential_expires_at, created_at";
const mostDrifts = 50;

export async function listConnections(query: Query, after = "", limit = 10_000): Promise<ConnectionRow[]> {
  return query<ConnectionRow>(`SELECT ${columns} FROM cluster_connections WHERE name > $1 ORDER BY name LIMIT $2`, [
    after,
    limit,
  ]);
}

export async function findConnection(query: Query, name: string, lock = false): Promise<ConnectionRow | null> {
  const [row] = await query<ConnectionRow>(
    `SELECT ${columns} FROM cluster_connections WHERE name = $1${lock ? " FOR UPDATE" : ""}`,
    [name],
  );
  return row ?? null;
}

export async function nameOfCluster(query: Query, clusterUid: string): Promise<string | null> {
  const [row] = await query<{ name: string }>("SELECT name FROM cluster_connections WHERE cluster_uid = $1", [
    clusterUid,
  ]);
  return row?.name ?? null;
}

/** Null when there is one of the name or of the cluster already. */
export async function insertConnection(
  query: Query,
  name: string,
  facts: ClusterVersionFacts & Readonly<{ exemptNamespaces: readonly string[]; issuedAt: Date; expiresAt: Date }>,
): Promise<ConnectionRow | null> {
  const [row] = await query<ConnectionRow>(
    `INSERT INTO cluster_connections
       (name, server, kubernetes_version, cluster_uid, exempt_namespaces, credential_issued_at, credential_expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING ${columns}`,
    [
      name,
      facts.server,
      facts.kubernetesVersion,
      facts.clusterUid,
      facts.exemptNamespaces,
      facts.issuedAt,
      facts.expiresAt,
    ],
  );
  return row ?? null;
}

/** Changes what is given and counts the version up. */
export async function updateConnection(
  query: Query,
  name: string,
  change: Readonly<{
    state?: ConnectionRow["state"];
    server?: string;
    kubernetesVersion?: string;
    clusterUid?: string;
    issuedAt?: Date;
    expiresAt?: Date;
  }>,
): Promise<ConnectionRow> {
  const [row] = await query<ConnectionRow>(
    `UPDATE cluster_connections SET version = version + 1, state = coalesce($2, state), server = coalesce($3, server),
       kubernetes_version = coalesce($4, kubernetes_version), cluster_uid = coalesce($5, cluster_uid),
       credential_issued_at = coalesce($6, credential_issued_at), credential_expires_at = coalesce($7, credential_expires_at)
     WHERE name = $1 RETURNING ${columns}`,
    [
      name,
      change.state ?? null,
      change.server ?? null,
      change.kubernetesVersion ?? null,
      change.clusterUid ?? null,
      change.issuedAt ?? null,
      change.expiresAt ?? null,
    ],
  );
  if (row === undefined) throw new Error(`the connection of cluster ${name} is gone`);
  return row;
}

export async function deleteConnection(query: Query, name: string): Promise<void> {
  await query("DELETE FROM cluster_connections WHERE name = $1", [name]);
}

export async function findBaseline(query: Query, name: string): Promise<BaselineRow | null> {
  const [row] = await query<BaselineRow>(
    "SELECT name, checked_at, objects, drifts, trouble FROM cluster_baselines WHERE name = $1",
    [name],
  );
  return row ?? null;
}

/** Keeps what the keeper found; new drifts come before the older ones. Does nothing when the connection is gone. */
export async function saveBaseline(
  query: Query,
  name: string,
  found: Readonly<{ objects: number; drifts: readonly Drift[]; trouble: Trouble | null }>,
): Promise<void> {
  await query(
    `INSERT INTO cluster_baselines AS b (name, checked_at, objects, drifts, trouble)
     SELECT name, now(), $2, $3::jsonb, $4::jsonb FROM cluster_connections WHERE name = $1
     ON CONFLICT (name) DO UPDATE SET checked_at = now(), objects = $2, trouble = $4::jsonb,
       drifts = jsonb_path_query_array($3::jsonb || b.drifts, '$[0 to ${mostDrifts - 1}]')`,
    [name, found.objects, JSON.stringify(found.drifts), found.trouble === null ? null : JSON.stringify(found.trouble)],
  );
}
