-- Sessions in instances: who, what, why, where, and how it ended. What was shown lies in a record of its own, whose last hash is kept here.
CREATE TABLE sessions (
  id text PRIMARY KEY CHECK (id ~ '^[0-9a-f-]{36}$'),
  kind text NOT NULL CHECK (kind IN ('exec', 'logs')),
  person_kind text NOT NULL,
  person_name text NOT NULL,
  instance text NOT NULL,
  business text NOT NULL,
  environment text NOT NULL,
  dcn_group text NOT NULL,
  host text NOT NULL,
  command jsonb NOT NULL,
  reason text,
  ticket text,
  -- The server that runs it and has its record.
  server text NOT NULL,
  state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'ended')),
  started_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  exit jsonb,
  record_hash text,
  record_bytes bigint,
  version bigint NOT NULL DEFAULT 1,
  CHECK ((state = 'ended') = (ended_at IS NOT NULL AND exit IS NOT NULL))
);
CREATE INDEX sessions_started ON sessions (started_at DESC, id);
CREATE INDEX sessions_person ON sessions (person_kind, person_name, started_at DESC);
CREATE INDEX sessions_instance ON sessions (instance, started_at DESC);
CREATE INDEX sessions_running ON sessions (server) WHERE state = 'running';
