-- What a decision was made of, so that it can be made again: the picture in pieces that are named by their hash (SHA-256) and kept once, and
-- question and answer letter by letter.
CREATE TABLE placement_parts (
  hash bytea PRIMARY KEY CHECK (length(hash) = 32),
  -- JSON, compressed (zstd).
  data bytea NOT NULL
);

CREATE TABLE placement_decisions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- What it was decided for: a request.
  request text NOT NULL REFERENCES requests (id) DEFERRABLE INITIALLY DEFERRED,
  engine text NOT NULL,
  question text NOT NULL,
  answer text NOT NULL,
  -- The hashes of the picture's pieces, one after the other; the first is what is on no rack.
  parts bytea NOT NULL CHECK (length(parts) % 32 = 0 AND length(parts) > 0)
);
CREATE INDEX placement_decisions_request ON placement_decisions (request, id);
REVOKE UPDATE, DELETE, TRUNCATE ON placement_parts, placement_decisions FROM wcs_server;
