-- Releases for ever: who, when, what, with which plan, and how it ended. `plan_hash` is what approvals are bound to.
CREATE SEQUENCE release_numbers;
CREATE TABLE releases (
  id text PRIMARY KEY,
  subsystem text NOT NULL REFERENCES subsystems (name),
  business text NOT NULL,
  environment text NOT NULL REFERENCES environments (name),
  dcn_group text,
  kind text NOT NULL CHECK (kind IN ('release', 'roll-back')),
  -- The release that a roll-back takes back.
  takes_back text REFERENCES releases (id),
  plan jsonb NOT NULL,
  plan_hash text NOT NULL,
  state text NOT NULL,
  state_reason text NOT NULL DEFAULT '',
  batch int,
  approvals jsonb NOT NULL DEFAULT '[]',
  confirmed_pauses int[] NOT NULL DEFAULT '{}',
  requester text NOT NULL,
  started_by text,
  ticket text,
  reason text,
  break_glass text,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  ended_at timestamptz
);
CREATE INDEX releases_subsystem ON releases (subsystem, id);
-- A change ticket brings one release: the same asked for twice is the same.
CREATE UNIQUE INDEX releases_ticket ON releases (environment, ticket)
  WHERE ticket IS NOT NULL AND kind = 'release' AND state NOT IN ('rejected', 'aborted');
REVOKE DELETE, TRUNCATE ON releases FROM wcs_server;

CREATE TABLE release_targets (
  release text NOT NULL REFERENCES releases (id),
  instance text NOT NULL REFERENCES instances (name),
  batch int NOT NULL,
  from_design jsonb,
  to_design jsonb NOT NULL,
  changed_at timestamptz,
  passed_at timestamptz,
  http jsonb,
  failure jsonb,
  PRIMARY KEY (release, instance)
);
CREATE INDEX release_targets_instance ON release_targets (instance, passed_at);
REVOKE DELETE, TRUNCATE ON release_targets FROM wcs_server;

CREATE TABLE freeze_windows (
  name text PRIMARY KEY,
  description jsonb NOT NULL,
  reason text NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
