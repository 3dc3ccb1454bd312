-- How WCS reaches each cluster. The credentials are secrets (cluster/NAME/platform, cluster/NAME/keeper).
CREATE TABLE cluster_connections (
  name text PRIMARY KEY,
  version bigint NOT NULL DEFAULT 1,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'removing')),
  server text NOT NULL,
  kubernetes_version text NOT NULL,
  cluster_uid text NOT NULL UNIQUE,
  exempt_namespaces text[] NOT NULL,
  credential_issued_at timestamptz NOT NULL,
  credential_expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- What the keeper of the baseline last found, whichever server it ran on.
CREATE TABLE cluster_baselines (
  name text PRIMARY KEY REFERENCES cluster_connections ON DELETE CASCADE,
  checked_at timestamptz NOT NULL,
  objects int NOT NULL,
  drifts jsonb NOT NULL,
  trouble jsonb
);
