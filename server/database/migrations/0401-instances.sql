-- Requests for instances, each with the plan that people see and approve. `plan_hash` is what an approval is bound to.
CREATE SEQUENCE request_numbers;
CREATE TABLE requests (
  id text PRIMARY KEY,
  subsystem text NOT NULL REFERENCES subsystems (name),
  business text NOT NULL,
  environment text NOT NULL REFERENCES environments (name),
  -- Null when its DCNs are of several groups.
  dcn_group text,
  body jsonb NOT NULL,
  plan jsonb NOT NULL,
  plan_hash text NOT NULL,
  state text NOT NULL CHECK (state IN ('awaiting-approval', 'delivered', 'rejected', 'withdrawn')),
  state_reason text NOT NULL DEFAULT '',
  approvals jsonb NOT NULL DEFAULT '[]',
  instances text[] NOT NULL DEFAULT '{}',
  requester text NOT NULL,
  ticket text,
  reason text,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX requests_subsystem ON requests (subsystem, id);

-- An instance outlives its container and its name is never given again. `wish` is what people want, `state` what is seen.
CREATE TABLE instances (
  name text PRIMARY KEY,
  number int NOT NULL,
  subsystem text NOT NULL REFERENCES subsystems (name),
  business text NOT NULL,
  dcn text NOT NULL REFERENCES dcns (name),
  dcn_group text NOT NULL,
  environment text NOT NULL REFERENCES environments (name),
  idc text NOT NULL,
  cluster text NOT NULL REFERENCES clusters (name),
  rack text NOT NULL,
  host text NOT NULL REFERENCES hosts (name),
  node text NOT NULL,
  pool text NOT NULL,
  class text NOT NULL REFERENCES classes (name),
  lifetime text NOT NULL CHECK (lifetime IN ('long-term', 'temporary')),
  borrowed boolean NOT NULL,
  nics jsonb NOT NULL,
  wish text NOT NULL CHECK (wish IN ('run', 'stop', 'retire')),
  state text NOT NULL,
  state_reason text NOT NULL,
  state_since timestamptz NOT NULL DEFAULT now(),
  -- What it is to run, and by which release; null until the first.
  release text,
  design jsonb,
  -- What its cluster shows: the pod's uid, version, readiness.
  observed jsonb,
  -- Differences that only a new pod would mend.
  drift jsonb NOT NULL DEFAULT '[]',
  -- The release or move that works on it; nothing else may then.
  held_by text,
  -- The pod to be made anew because somebody asked for a restart.
  restart_of text,
  request text NOT NULL REFERENCES requests (id),
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  retired_at timestamptz
);
CREATE INDEX instances_subsystem ON instances (subsystem, dcn, name);
CREATE INDEX instances_cluster ON instances (cluster, name) WHERE retired_at IS NULL;
CREATE INDEX instances_host ON instances (host) WHERE retired_at IS NULL;
CREATE INDEX instances_held ON instances (held_by) WHERE held_by IS NOT NULL;
REVOKE DELETE, TRUNCATE ON instances FROM wcs_server;

-- The objects that were meant for each version of a pod, so that a pod can be told apart from what comes after it.
CREATE TABLE instance_designs (
  instance text NOT NULL REFERENCES instances (name),
  version text NOT NULL,
  manifests jsonb NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (instance, version)
);
