-- The stored answers of acts that came with an Idempotency-Key, written in the act's transaction.
CREATE TABLE idempotency_keys (
  actor text NOT NULL,
  key text NOT NULL,
  request_hash text NOT NULL,
  status smallint NOT NULL,
  etag text,
  body jsonb,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_keys_at ON idempotency_keys (at);
