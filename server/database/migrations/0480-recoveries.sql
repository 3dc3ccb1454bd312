-- Recoveries of lost hosts: which of the instances go where within the rack. `plan_hash` is what an approval is bound to.
CREATE SEQUENCE recovery_numbers;
CREATE TABLE recoveries (
  id text PRIMARY KEY,
  host text NOT NULL,
  node text NOT NULL,
  cluster text NOT NULL REFERENCES clusters (name),
  rack text NOT NULL,
  lost text NOT NULL,
  plan jsonb NOT NULL,
  plan_hash text NOT NULL,
  approvals_needed int NOT NULL,
  state text NOT NULL
    CHECK (state IN ('awaiting-approval', 'running', 'done', 'failed', 'stopped', 'rejected', 'withdrawn')),
  state_reason text NOT NULL DEFAULT '',
  approvals jsonb NOT NULL DEFAULT '[]',
  requester text NOT NULL,
  ticket text,
  reason text,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz
);
-- One recovery of a host at a time.
CREATE UNIQUE INDEX recoveries_open ON recoveries (host) WHERE state IN ('awaiting-approval', 'running');
REVOKE DELETE, TRUNCATE ON recoveries FROM wcs_server;

-- What has become of each instance of an approved recovery. `planned` holds room on the new host; `bound` is decided and is carried out.
CREATE TABLE recovery_moves (
  recovery text NOT NULL REFERENCES recoveries (id),
  instance text NOT NULL REFERENCES instances (name),
  batch int NOT NULL,
  to_host text NOT NULL,
  to_node text NOT NULL,
  to_cluster text NOT NULL REFERENCES clusters (name),
  state text NOT NULL CHECK (state IN ('planned', 'bound', 'done', 'stayed', 'failed')),
  reason text NOT NULL DEFAULT '',
  -- When the rack was asked for its addresses, and who answered.
  probes jsonb NOT NULL DEFAULT '[]',
  bound_at timestamptz,
  ended_at timestamptz,
  PRIMARY KEY (recovery, instance)
);
CREATE UNIQUE INDEX recovery_moves_open ON recovery_moves (instance) WHERE state IN ('planned', 'bound');
REVOKE DELETE, TRUNCATE ON recovery_moves FROM wcs_server;

-- What each Node's `wcs.io/fence` has to say, until the host takes part again.
CREATE TABLE host_fences (
  cluster text NOT NULL REFERENCES clusters (name),
  node text NOT NULL,
  host text NOT NULL,
  instances jsonb NOT NULL,
  lifting boolean NOT NULL DEFAULT false,
  PRIMARY KEY (cluster, node)
);

-- The move that is decided and not yet finished: of which recovery, and whether the old host is fenced.
ALTER TABLE instances ADD COLUMN move jsonb;
