-- API tokens. The secret is 256 random bits, so that its plain SHA-256 is enough; it is shown once and kept nowhere.
CREATE TABLE tokens (
  id text PRIMARY KEY,
  hash bytea NOT NULL CHECK (length(hash) = 32),
  subject_kind text NOT NULL CHECK (subject_kind IN ('Person', 'ServiceAccount', 'System')),
  subject_name text NOT NULL,
  description text NOT NULL DEFAULT '',
  scope jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  last_used_at timestamptz
);
CREATE INDEX tokens_subject ON tokens (subject_kind, subject_name, id);
