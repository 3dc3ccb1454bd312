-- Privileges for named instances, for a purpose and a time, each approved by another person. Kept for ever.
CREATE SEQUENCE grant_numbers;
CREATE TABLE privilege_grants (
  number bigint PRIMARY KEY DEFAULT nextval('grant_numbers'),
  person text NOT NULL,
  wish jsonb NOT NULL,
  hash text NOT NULL,
  instances text[] NOT NULL,
  business text NOT NULL,
  -- The scopes of its instances: whoever approves must have the right in each.
  scopes jsonb NOT NULL,
  state text NOT NULL CHECK (state IN ('awaiting-approval', 'approved', 'rejected', 'withdrawn', 'ended', 'expired')),
  approved_by text,
  starts_at timestamptz,
  ends_at timestamptz,
  why text NOT NULL,
  note text NOT NULL DEFAULT '',
  ticket text,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (approved_by <> person),
  CHECK (state <> 'approved' OR (approved_by IS NOT NULL AND ends_at > starts_at))
);
CREATE INDEX privilege_grants_person ON privilege_grants (person, number);
CREATE INDEX privilege_grants_instances ON privilege_grants USING gin (instances);
CREATE INDEX privilege_grants_open ON privilege_grants (ends_at) WHERE state = 'approved';
REVOKE DELETE, TRUNCATE ON privilege_grants FROM wcs_server;
