-- Secrets under envelope encryption: ciphertext by a key of their own, which a key in a file outside the database wraps.
CREATE TABLE secrets (
  name text PRIMARY KEY,
  key_id text NOT NULL,
  wrapped_key bytea NOT NULL,
  ciphertext bytea NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX secrets_key ON secrets (key_id);
