-- The watch log. A reader takes only rows whose transaction is older than every one that still runs (xid below pg_snapshot_xmin), in the
-- order (xid, id): rows that commit later always sort later, so that a cursor has neither gap nor double.
CREATE TABLE events (
  id bigint GENERATED ALWAYS AS IDENTITY,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  change text NOT NULL CHECK (change IN ('created', 'updated', 'deleted')),
  kind text NOT NULL,
  name text NOT NULL,
  version bigint NOT NULL,
  business text,
  environment text,
  dcn_group text,
  record jsonb NOT NULL,
  PRIMARY KEY (xid, id)
);
CREATE INDEX events_at ON events (at);

-- The one row says which log the cursors belong to, and the last position that was pruned.
CREATE TABLE event_log (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  epoch text NOT NULL,
  pruned_xid xid8 NOT NULL DEFAULT '0',
  pruned_id bigint NOT NULL DEFAULT 0
);
INSERT INTO event_log (epoch) VALUES (substr(replace(gen_random_uuid()::text, '-', ''), 1, 12));
