-- The outbox to the bank's CMDB. Changes are taken from the watch log, where the transaction of each change wrote them, into messages; the place up to which that
-- was done moves in the same transaction. Each target has a delivery for each message.
CREATE TABLE cmdb_targets (
  name text PRIMARY KEY,
  type text NOT NULL CHECK (type IN ('webhook')),
  url text NOT NULL,
  kinds text[] NOT NULL,
  enabled boolean NOT NULL,
  version bigint NOT NULL DEFAULT 1
);

CREATE TABLE cmdb_intake (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  cursor text
);
INSERT INTO cmdb_intake DEFAULT VALUES;

CREATE TABLE cmdb_deliveries (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  target text NOT NULL REFERENCES cmdb_targets ON DELETE CASCADE,
  -- The same for one change at every target and at every attempt.
  message_key text NOT NULL,
  kind text NOT NULL,
  name text NOT NULL,
  change text NOT NULL,
  version bigint NOT NULL,
  changed_at text NOT NULL,
  record jsonb NOT NULL,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead', 'discarded')),
  attempts int NOT NULL DEFAULT 0,
  last_error text,
  next_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  UNIQUE (target, message_key)
);
CREATE INDEX cmdb_deliveries_open ON cmdb_deliveries (target, kind, name, id) WHERE state IN ('waiting', 'dead');
CREATE INDEX cmdb_deliveries_state ON cmdb_deliveries (state, id);
CREATE INDEX cmdb_deliveries_ended ON cmdb_deliveries (ended_at) WHERE ended_at IS NOT NULL;
